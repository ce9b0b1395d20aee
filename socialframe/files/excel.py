"""Converts a DataFrame to one that ``to_excel`` of pandas can write."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from socialframe.errors import ArgumentError
from socialframe.frames.nested import dumps

_EXACT = 1 << 53  # Excel has doubles only
_INVALID = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # in XML


def for_excel(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a DataFrame that ``to_excel`` can write.

    Excel has no time zones, lists or objects. So times are UTC without a time zone, and nested
    values are JSON text. Integers beyond 2**53, which Excel would round, are text. A control
    character becomes its escape sequence, and text that Excel would run as a formula starts with
    an apostrophe. Other values are unchanged, and so is ``frame``.

    ``to_excel`` of pandas needs a package that writes Excel files: ``pip install openpyxl``.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any frame, such as one from ``Query.frame``.

    Returns
    -------
    pandas.DataFrame
        A new frame with the same rows, columns and ``attrs``.

    Raises
    ------
    ArgumentError
        If ``frame`` is not a DataFrame.

    Examples
    --------
    >>> import socialframe as sf
    >>> frame = for_excel(sf.Client.sandbox().posts().head())
    >>> str(frame["created_at"].dtype)
    'datetime64[us]'
    >>> frame["tags"][0]
    '["tasting"]'
    """
    if not isinstance(frame, pd.DataFrame):
        raise ArgumentError(f"frame must be a DataFrame; got {type(frame).__name__}.")
    made = pd.DataFrame(index=_moments(frame.index))
    columns = [_column(frame.iloc[:, i]).set_axis(made.index) for i in range(frame.shape[1])]
    made = pd.concat([made, *columns], axis=1)
    made.columns = frame.columns
    made.attrs = dict(frame.attrs)
    return made


def _moments(index: pd.Index[Any]) -> pd.Index[Any]:
    in_zone = isinstance(index, pd.DatetimeIndex) and index.tz is not None
    return index.tz_convert(None) if in_zone else index  # type: ignore[attr-defined]


def _column(values: pd.Series[Any]) -> pd.Series[Any]:
    kind = values.dtype
    if isinstance(kind, pd.DatetimeTZDtype):
        naive: pd.Series[Any] = values.dt.tz_convert(None)
        return naive
    if pd.api.types.is_integer_dtype(kind):
        is_wide = bool(((values > _EXACT) | (values < -_EXACT)).any())
        return values.astype("str") if is_wide else values
    if isinstance(kind, pd.ArrowDtype) and pa.types.is_nested(kind.pyarrow_dtype):
        cells = pa.array(values.array).to_pylist()
    elif pd.api.types.is_object_dtype(kind) or pd.api.types.is_string_dtype(kind):
        cells = values.tolist()
    else:
        return values
    return pd.Series(list(map(_cell, cells)), values.index, object)


def _cell(value: Any) -> Any:  # noqa: ANN401 - a cell of any type
    if isinstance(value, list | dict):
        value = dumps(value)
    if isinstance(value, str):
        text = _INVALID.sub(lambda found: f"\\x{ord(found[0]):02x}", value)
        return f"'{text}" if text.startswith("=") else text
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return None if value is None or value is pd.NA or value != value else value  # noqa: PLR0124 - NaN
