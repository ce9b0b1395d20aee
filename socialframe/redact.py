"""Removes keys and control characters from texts that may quote a server."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and line feed
# Also percent-encoded and as in JSON. After a letter, as in task_name, it must be long with digits.
_KEY = re.compile(
    r"(?:s|%73)(?:k|%6[bB])(?:_|%(?:25)?5[fF]|\\u005[fF])"
    r"(?:(?<![A-Za-z]sk_)[^\s\"'<>]{3,}|(?=[^\s\"'<>]*[0-9])[^\s\"'<>]{12,})"
)


def redacted(text: str) -> str:
    """Return the text with each API key in it replaced by ``sk_…``."""
    return _KEY.sub("sk_…", text)


def printable(text: str) -> str:
    """Return the text with control characters escaped: a terminal would obey them."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
