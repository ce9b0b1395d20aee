"""What an endpoint is, as a value: everything that a walk has to know of it."""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from socialframe.errors import ArgumentError
from socialframe.messages.envelope import Page, parse, split_reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.messages.call import Call, Reply
    from socialframe.paging import Paging
    from socialframe.schema.columns import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A declaration: path, records, paging, columns.

    Parameters
    ----------
    name : str
        Name of the method that declares it.
    path : str
        Path on the API.
    records : str or None
        Where the records stand in a reply, dotted; empty where the body itself is the list; None
        for the one list of objects in it.
    paging : Paging
        Which call comes next.
    schema : Schema
        Columns and primary key.
    reshape : callable or None
        Makes records of a body that has no list of them; None from it means that they are absent.
    """

    name: str
    path: str
    records: str | None
    paging: Paging
    schema: Schema
    reshape: Callable[[Any], list[Any] | None] | None = None

    def open(self, call: Call, reply: Reply, *, first: bool) -> Page:
        """Take a reply apart; see ``split_reply``."""
        if self.reshape is not None:
            records = self.reshape(parse(reply.body))
            if records is not None:
                items = json.dumps(records, separators=(",", ":")).encode()
                return Page(call, reply, {}, items, "")
        return split_reply(call, reply, self.records, fields=self.paging.fields, first=first)


def whole_number(name: str, value: object) -> int:
    """Return the value, which must be a whole number from 1 on.

    Raises
    ------
    ArgumentError
        If it is not.

    Examples
    --------
    >>> whole_number("per_page", 100)
    100
    """
    try:
        whole = 0 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        whole = 0
    if not 1 <= whole < 1 << 62:
        raise ArgumentError(f"{name} takes a whole number from 1 on, not {value!r}.")
    return whole


def plain(value: object) -> object:
    """Return a value that JSON holds.

    Examples
    --------
    >>> plain({"a"}), plain({"limit": 50})
    (['a'], {'limit': 50})
    """
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    return str(value)
