"""Made-up captions that are as varied as real ones: no sentence repeats, but hashtags do.

Words are made of syllables and drawn as often as words of a language are: the second one half as
often as the first one, and so on. So 100 captions compress like English prose of that size, to 0.46
of their bytes with zstd at level 1. A few sentences that repeat would compress to a tenth.
"""

from __future__ import annotations

import random
from functools import cache
from itertools import accumulate

_WORDS = 4000  # of each language
_SHOPS = 12
#: Starts, vowels and ends of syllables; frequent ones are repeated, and some ends are empty.
_LATIN = (
    "b bl br c ch d dr f fl g gr h j k kl l m n p pr qu r s sch sp st t tr v w z",
    "a a a e e e e i i o o u ä é ó ü ai au ei ie ou",
    "   l m n n r r s s t ch ng nd rt st",
)
_OTHER = (
    "あいうえおかきくけこさしすせそたちつてとなにのはひふまみもやよらりるれわをん日本新店今週末作",
    "가나다라마바사아자차카하거너더러머서어저고노도로모소오조구누두루무수우주기니디리미시이지",
    "ابتثجحخدذرزسشصضطعغفقكلمنهوي",
    "अआइईउएकखगघचजटडतथदधनपबभमयरलवशसह",
)
_SPACE = {"あ": ""}  # Japanese has no spaces
_ENDS = (". ", ". ", ". ", "! ", "? ", ".\n", ": ", ", ", ", ")
_EMOJI = "🍂🐕🎬🥖🎄☕💛🌸🍜✨🙏👩📷🚲🌿🎁🔥😊"


def caption(draw: random.Random, length: int) -> str:
    """Return a caption of at least so many characters, in one language, often with hashtags."""
    language = draw.choices(range(len(_OTHER) + 1), (80, 6, 5, 5, 4))[0]
    words, weights = _vocabulary(language)
    space = _SPACE.get(_OTHER[language - 1][0], " ") if language else " "
    size, parts = 0, []
    wanted = length if not language else length // 2  # a character has two or three bytes
    while size < wanted:
        few = draw.choices(words, cum_weights=weights, k=draw.randrange(4, 14))
        sentence = space.join(few)
        parts.append(sentence[0].upper() + sentence[1:] + draw.choice(_ENDS))
        size += len(parts[-1])
    text = "".join(parts)[:wanted].rstrip()
    if draw.random() < 0.6:  # noqa: PLR2004 - a share
        text += f" {draw.choice(_EMOJI)}"
    if draw.random() < 0.1:  # noqa: PLR2004 - a share
        text += f' "https://shop.example/{draw.getrandbits(40):x}"'
    if draw.random() < 0.7:  # noqa: PLR2004 - a share
        tags = _hashtags(draw.randrange(_SHOPS), language)
        text += "\n\n" + " ".join(draw.sample(tags, draw.randrange(2, len(tags))))
    return text


@cache
def _hashtags(shop: int, language: int) -> list[str]:
    """Return the hashtags that a shop uses again and again."""
    draw = random.Random(f"hashtags {shop} {language}")
    return [f"#{word.lower()}" for word in draw.sample(_vocabulary(language)[0], 9)]


@cache
def _vocabulary(language: int) -> tuple[list[str], list[float]]:
    """Return the words of a language, and how often each and all before it are drawn."""
    draw = random.Random(f"words {language}")
    words = [_word(draw, language) for _ in range(_WORDS)]
    return words, list(accumulate(1 / (rank + 2.7) for rank in range(_WORDS)))


def _word(draw: random.Random, language: int) -> str:
    syllables = draw.choices((1, 2, 3, 4), (30, 40, 22, 8))[0]
    if language:
        return "".join(draw.choices(_OTHER[language - 1], k=syllables + 1))
    return "".join(draw.choice(part.split(" ")) for _ in range(syllables) for part in _LATIN)
