"""The API key as a value that shows nothing of itself, and the tenant that stands for it."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import NoReturn, final

from socialframe.errors import InvalidKeyError

_KEY = re.compile(r"sk_[\x21-\x7e]+")
_KEY_IN_TEXT = re.compile(r"sk_[^\s\"'<>]{3,}")
_SHAPE = (
    "An API key looks like sk_ followed by letters and digits, without spaces or line breaks; "
    "what was given does not. Copy it again from Settings, API Keys."
)


@final
class Secret:
    """An API key. Its ``repr`` shows nothing, it does not pickle, it compares in constant time.

    Parameters
    ----------
    value : str
        The key, ``sk_…``.

    Raises
    ------
    InvalidKeyError
        If it does not start with ``sk_`` or holds white space or anything but visible ASCII.

    Examples
    --------
    >>> Secret("sk_made0up0for0this0page")
    Secret('sk_…')
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not _KEY.fullmatch(str(value)):  # bytes or a number are no key
            del value  # not even a traceback that shows local variables repeats it
            raise InvalidKeyError(_SHAPE)
        self._value = value

    def reveal(self) -> str:
        """Return the key itself, for ``transport/auth.py`` and ``tenant`` alone."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('sk_…')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a hash would be a second way to compare

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        msg = "A Secret does not pickle: it would write the key to wherever the pickle goes."
        raise TypeError(msg)


def tenant(base_url: str, secret: Secret) -> str:
    """Return the tenant: how caches and budgets tell two keys apart without knowing either.

    Parameters
    ----------
    base_url : str
        Normalised base URL.
    secret : Secret
        The key.

    Returns
    -------
    str
        32 hexadecimal digits: BLAKE2b-128 of both, the same on every machine.

    Examples
    --------
    >>> len(tenant("https://api.example", Secret("sk_made0up0for0this0page")))
    32
    """
    text = f"{len(base_url)}:{base_url}{secret.reveal()}"
    return hashlib.blake2b(text.encode(), digest_size=16, person=b"socialframe").hexdigest()


def redacted(text: str) -> str:
    """Return the text with everything that looks like an API key cut down to ``sk_…``.

    Examples
    --------
    >>> redacted("Invalid API key sk_made0up0for0this0page")
    'Invalid API key sk_…'
    """
    return _KEY_IN_TEXT.sub("sk_…", text)
