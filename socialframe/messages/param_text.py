"""Turns the value of a parameter into text, or refuses it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import NoReturn
from uuid import UUID

from socialframe.errors import ArgumentError

_UTC = "+00:00"
_ADVICE = "Pass text, a number, a date, a list of them, or a dict (sent as JSON text)"


def param_text(name: str, value: object) -> str:
    """Return the text of a parameter's value: a dict or a list as JSON.

    Raise ArgumentError if the value has no obvious text.
    """
    if isinstance(value, Mapping | list | tuple):
        try:
            return json.dumps(_plain(name, value), ensure_ascii=False, separators=(",", ":"))
        except RecursionError:
            _refuse(name, value)
    plain = plain_scalar(name, value)
    return str(plain).lower() if isinstance(plain, bool) else str(plain)


def _plain(name: str, value: object) -> object:
    """Return a value that ``json`` can write; scalars of numpy and enums are replaced."""
    if isinstance(value, Mapping):
        if any(not isinstance(key, str) for key in value):
            _refuse(name, value)
        return {key: _plain(name, one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(name, one) for one in value]
    return None if value is None else plain_scalar(name, value)


def plain_scalar(name: str, value: object) -> str | int | float | bool:
    """Return a scalar as text, number or boolean."""
    if isinstance(value, Enum):
        value = value.value
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind and getattr(value, "shape", None) == () and not isinstance(value, str):  # of numpy
        value = str(value) if kind == "M" else value.item()  # type: ignore[attr-defined]
        if kind not in "biufUM" or value == "NaT":
            _refuse(name, value)
    if isinstance(value, float) and not math.isfinite(value):
        _refuse(name, value)
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime) and value == value:  # noqa: PLR0124 - NaT of pandas
        text = value.isoformat()
        return text.removesuffix(_UTC) + "Z" if text.endswith(_UTC) else text
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    if isinstance(value, UUID):
        return str(value)
    return _refuse(name, value)


def _refuse(name: str, value: object) -> NoReturn:
    """Raise the error for a value that has no obvious text."""
    kind = type(value).__name__
    order = " (a set has no order; pass a list)" if isinstance(value, set | frozenset) else ""
    shown = " ".join(repr(value).split())[:80]
    raise ArgumentError(
        f"The parameter {name!r} cannot be sent: {shown} is of type {kind}{order}. {_ADVICE}."
    )
