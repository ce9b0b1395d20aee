"""The API key, which never shows itself, and the tenant, a hash of key and base URL."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import NoReturn, final

from socialframe.errors import InvalidKeyError

_KEY = re.compile(r"sk_[\x21-\x7e]+")
_SHAPE = (
    "The API key is invalid. It looks like sk_ followed by letters and digits, without spaces or "
    "line breaks. Copy it again from Settings, API Keys."
)


@final
class Secret:
    """An API key that cannot be printed or pickled. Equality takes constant time."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not _KEY.fullmatch(str(value)):  # str(): bytes and numbers are refused too
            del value  # keep the key out of tracebacks that show local variables
            raise InvalidKeyError(_SHAPE)
        self._value = value

    def reveal(self) -> str:
        """Return the key. Only ``http/auth.py`` and ``tenant`` may call this."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('sk_…')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a hash can be compared in variable time

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        msg = "A Secret does not pickle, because the pickle would contain the key."
        raise TypeError(msg)


def tenant(base_url: str, secret: Secret) -> str:
    """Return 32 hexadecimal digits that identify key and base URL without revealing them.

    Stores and budgets use it to keep keys apart. It is the same on every machine.
    """
    text = f"{len(base_url)}:{base_url}{secret.reveal()}"
    return hashlib.blake2b(text.encode(), digest_size=16, person=b"socialframe").hexdigest()
