"""Texts that nobody may read: kept out of errors, tracebacks and what they repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from socialframe.errors import SocialFrameError

if TYPE_CHECKING:
    from types import TracebackType

_SHORTEST = 4  # letters; what is shorter would be found in any sentence


class Hidden:
    """The secrets of one flow. As a context, it lets no error out that could show one of them.

    An error loses the frames below, whose variables hold addresses and answers, and each secret in
    its texts becomes an ellipsis: a server may repeat what it was sent.

    Examples
    --------
    >>> from socialframe.errors import ReplyError
    >>> hidden = Hidden()
    >>> hidden.add("of-nobody")
    >>> with hidden:
    ...     raise ReplyError("The code of-nobody is spent.")
    Traceback (most recent call last):
    socialframe.errors.ReplyError: The code … is spent.
    """

    def __init__(self) -> None:
        self._texts: set[str] = set()

    def __repr__(self) -> str:
        return "<Hidden>"

    def add(self, *texts: str) -> None:
        """Keep these, too, from now on; also as they stand in an address."""
        for text in texts:
            if len(text) >= _SHORTEST:
                self._texts |= {text, quote(text), quote(text, safe=""), quote_plus(text)}

    def cut(self, text: str) -> str:
        """Return the text without the secrets."""
        for secret in sorted(self._texts, key=len, reverse=True):
            text = text.replace(secret, "…")
        return text

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        cls: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        del cls, traceback
        # An interrupt, too: nobody needs to know where it came, and its frames are the same ones.
        if isinstance(error, SocialFrameError | KeyboardInterrupt):
            raise self._bare(error)

    def _bare(self, error: BaseException) -> BaseException:
        link: BaseException | None = error
        while link is not None:
            link.__traceback__ = None
            link.__context__ = None  # a cause is left; what else was met on the way is ours
            link.args = tuple(self.cut(a) if isinstance(a, str) else a for a in link.args)
            for name, value in vars(link).items():
                if isinstance(value, str):
                    setattr(link, name, self.cut(value))
            link = link.__cause__
        return error
