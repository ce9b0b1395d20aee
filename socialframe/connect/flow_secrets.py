"""Keep the secrets of a flow out of errors, tracebacks and reprs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from socialframe.errors import SocialFrameError

if TYPE_CHECKING:
    from types import TracebackType

_MIN_LENGTH = 4  # a shorter secret would match parts of ordinary words


class SecretText(str):
    """A string whose repr hides it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


class SecretScrubber:
    """Remove the secrets of one flow from the errors that leave its ``with`` block.

    An error loses its traceback, because the frames hold URLs and responses, and each secret in its
    texts becomes an ellipsis, because a server may repeat what it received.
    """

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def __repr__(self) -> str:
        return "<SecretScrubber>"

    def add(self, *secrets: str) -> None:
        """Scrub these secrets too, as they are and URL-encoded."""
        for text in secrets:
            if len(text) >= _MIN_LENGTH:
                self._secrets |= {text, quote(text), quote(text, safe=""), quote_plus(text)}

    def scrub(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
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
        # The frames of an interrupt hold the same secrets as those of an error.
        if isinstance(error, SocialFrameError | KeyboardInterrupt):
            raise self._scrubbed(error)

    def _scrubbed(self, error: BaseException) -> BaseException:
        link: BaseException | None = error
        while link is not None:
            link.__traceback__ = None
            link.__context__ = None
            link.args = tuple(self.scrub(a) if isinstance(a, str) else a for a in link.args)
            for name, value in vars(link).items():
                if isinstance(value, str):
                    setattr(link, name, self.scrub(value))
            link = link.__cause__
        return error
