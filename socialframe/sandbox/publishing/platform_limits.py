"""The limits of each platform: the contract's section 7 as a table.

The columns of twitter and threads are the sibling's. A file is judged by the ending of its URL.
"""

from __future__ import annotations

import mimetypes
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from socialframe.sandbox.json_text import Json

MEDIA_TYPES = ("image", "video", "gif")
CONSENT = ("content_preview_confirmed", "express_consent_given")
"""Fields that must be true on every TikTok post."""

_JPEG_PNG = ("jpg", "jpeg", "png")
_MP4_MOV = ("mp4", "mov")
_KINDS = {
    **dict.fromkeys((*_JPEG_PNG, "webp"), "image"),
    **dict.fromkeys((*_MP4_MOV, "webm"), "video"),
    "gif": "gif",
}
# Python's own table, so that every machine gives the same result.
_OTHERS = mimetypes.MimeTypes().types_map[True]
# These hosts answer with an HTML page instead of the file.
_NO_FILES = re.compile(
    r"(.+\.)?(drive\.google\.com|dropbox\.com|onedrive\.live\.com|1drv\.ms|icloud\.com)"
)

_LINK = re.compile(r"https?://\S+")
_SIGN = "[\u2600-\u27bf\U0001f000-\U0001faff]"
# Two letters make a flag; joiners and skin tones belong to the emoji before them.
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}|" + _SIGN + "(?:[\ufe0f\U0001f3fb-\U0001f3ff]|\u200d" + _SIGN + ")*"
)


class File(NamedTuple):
    """The known facts of a media file of a post."""

    said: str
    url: str
    ending: str

    @property
    def kind(self) -> str:
        """The kind that counts: a GIF may be declared as an image."""
        return "gif" if self.ending == "gif" else self.said


def file_of(item: Json) -> File:
    """Return the media file that the URL of a media item describes."""
    ending = urlsplit(item["url"]).path.rpartition(".")[2].lower()
    return File(item["type"], item["url"], ending)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    text: int
    text_only: bool = True
    images: int = 10
    gifs: int = 0
    formats: tuple[str, ...] = (*_JPEG_PNG, "gif", "webp", *_MP4_MOV)
    videos: int = 1
    photo_text: int | None = None
    consent: tuple[str, ...] = ()
    a_day: int | None = None


PLATFORMS = {
    "instagram": Limits(text=2200, text_only=False, formats=(*_JPEG_PNG, *_MP4_MOV), a_day=100),
    # Facebook turns WebP into JPEG.
    "facebook": Limits(text=63_206, gifs=10),
    "threads": Limits(text=500, gifs=10, a_day=250),
    "tiktok": Limits(
        text=2200,
        photo_text=4000,
        text_only=False,
        images=35,
        formats=(*_JPEG_PNG, "webp", *_MP4_MOV, "webm"),
        consent=CONSENT,
    ),
    "twitter": Limits(text=280, images=4, gifs=1),
}


def length(platform: str, text: str) -> int:
    """Count characters as the platform does."""
    if platform == "twitter":
        text = _EMOJI.sub("xx", _LINK.sub("x" * 23, text))
    return len(text)


def find_violation(platform: str, text: str, media: Sequence[File], options: Json) -> str | None:
    """Return the error of a post that breaks a limit, or None."""
    limits = PLATFORMS[platform]
    kinds = Counter(file.kind for file in media)
    pictures = kinds["image"] + kinds["gif"]
    longest = limits.photo_text if limits.photo_text and not kinds["video"] else limits.text
    checks = (
        (not media and not text.strip(), "There is nothing to post"),
        (not media and not limits.text_only, "This platform does not take text alone"),
        (length(platform, text) > longest, "Caption is longer than this platform allows"),
        (pictures > limits.images, f"At most {limits.images} images per post are allowed"),
        (kinds["video"] > limits.videos, f"At most {limits.videos} video per post is allowed"),
        (kinds["gif"] and not limits.gifs, "This platform does not take GIFs"),
        (
            kinds["gif"] > limits.gifs or (limits.gifs == 1 == kinds["gif"] < pictures),
            "A GIF must be alone",
        ),
        (any(map(_no_file, media)), "The media link leads to a page, not to a file"),
        (
            any(_is_known(file.ending) and file.ending not in limits.formats for file in media),
            "Upload rejected: file format not supported",
        ),
        (
            any(_KINDS.get(file.ending, file.kind) != file.kind for file in media),
            "Upload rejected: the file is not of the type that is said",
        ),
        (
            not all(options.get(name) is True for name in limits.consent),
            f"Consent is missing: {' and '.join(limits.consent)} must be true",
        ),
    )
    return next((error for broken, error in checks if broken), None)


def _is_known(ending: str) -> bool:
    """Return whether an ending names a file format; a URL may end in anything."""
    other = _OTHERS.get(f".{ending}", "application/octet-stream")
    return ending in _KINDS or other != "application/octet-stream"


def _no_file(file: File) -> bool:
    return bool(_NO_FILES.fullmatch(urlsplit(file.url).hostname or ""))
