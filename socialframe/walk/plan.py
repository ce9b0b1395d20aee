"""The plan of a query: the declared endpoint, the first call, the columns, the limit."""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from socialframe.errors import ArgumentError
from socialframe.messages.envelope import Page, parse, split_reply
from socialframe.messages.param_text import plain_scalar
from socialframe.messages.reply_errors import refuse_stated_error
from socialframe.messages.row_shape import without_rows
from socialframe.store.stored_walk import WalkKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from socialframe.messages.call import Call, Reply
    from socialframe.paging import Paging
    from socialframe.schema.columns import Schema


_NO_CONTENT = {204, 205}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A declared endpoint.

    Parameters
    ----------
    name : str
        Name of the method that declares it.
    path : str
        Path on the API.
    records : str or None
        Path of the records in a reply, as ``messages.row_shape`` describes it; None to find them.
    paging : Paging
        The paging scheme.
    schema : Schema
        Columns and primary key.
    reshape : callable or None
        Builds records from a body that has no list of them; returns None if there are none.
    default_days : int
        How many days ago the API starts if ``since`` is not passed; 0 if there is no such default.
    clock : str
        The column that ``since`` compares; empty if there is none.
    """

    name: str
    path: str
    records: str | None
    paging: Paging
    schema: Schema
    reshape: Callable[[Any], list[Any] | None] | None = None
    default_days: int = 0
    clock: str = ""

    def open(self, call: Call, reply: Reply, *, first: bool) -> Page:
        """Split a reply into envelope and records. A reply without content is an empty page."""
        if has_no_content(reply):
            return Page(call, reply, {}, b"[]", self.records or "")
        if self.reshape is not None:
            body = parse(reply.body)
            records = self.reshape(body)
            if records is not None:
                envelope = without_rows(body, self.records or "")
                if missing := [record for record in records if isinstance(record, str)]:
                    records = [record for record in records if not isinstance(record, str)]
                    envelope["errorDetails"] = f"no rows of {'; '.join(missing)}"
                if not records:
                    refuse_stated_error(call, reply, envelope, weak=True)
                items = json.dumps(records, separators=(",", ":")).encode()
                return Page(call, reply, envelope, items, "")
        return split_reply(call, reply, self.records, fields=self.paging.fields, first=first)


def has_no_content(reply: Reply) -> bool:
    """Return whether the status of a reply says that it has no body: 204 and 205."""
    return reply.status in _NO_CONTENT and not reply.body


@dataclass(frozen=True, slots=True)
class Plan:
    """An endpoint with the arguments of a query.

    Parameters
    ----------
    endpoint : Endpoint
        The declared endpoint.
    arguments : tuple of (str, object)
        As the user passed them.
    call : Call
        The first call, without its paging parameters.
    schema : Schema
        The endpoint's schema, which may be exploded.
    limit : int or None
        Maximum number of records.
    walk_id : str
        The open walk to resume; empty for the newest one of the same query.
    later : tuple of Call
        The first calls of later parts, if the API does not accept the period of the query in one.
    method : callable or None
        The method that declares the endpoint, to make the query with other arguments.
    """

    endpoint: Endpoint
    arguments: tuple[tuple[str, object], ...]
    call: Call
    schema: Schema
    limit: int | None = None
    walk_id: str = ""
    later: tuple[Call, ...] = ()
    method: Callable[..., Any] | None = field(default=None, compare=False, repr=False)

    @property
    def parts(self) -> tuple[Plan, ...]:
        """The plans of all parts."""
        return tuple(replace(self, call=call, later=()) for call in (self.call, *self.later))

    def limited(self, rows: int) -> Plan:
        """Return the plan of the first rows only."""
        rows = whole_number("rows", rows)
        return replace(self, limit=rows if self.limit is None else min(rows, self.limit))

    @property
    def key(self) -> WalkKey:
        """The key that walks of the same query share."""
        paging = f"{self.endpoint.paging!r} {self.endpoint.records!r} {self.schema.key!r}"
        if self.call.method != "GET":
            paging += f" {self.call.method} {self.call.body!r}"
        if self.later:
            paging += f" {[call.params for call in self.later]!r}"
        return WalkKey(self.endpoint.name, self.call.path, self.call.params, paging, self.limit)

    @property
    def given(self) -> dict[str, object]:
        """The arguments that are not None, as JSON values."""
        return {name: to_json(value) for name, value in self.arguments if value is not None}

    @property
    def period(self) -> str:
        """The period that the API chose, in words; empty if the arguments have one."""
        days = self.endpoint.default_days
        return (
            f"no since: the API starts {days} days ago"
            if days and "since" not in self.given
            else ""
        )

    @property
    def query(self) -> dict[str, Any]:
        """JSON values from which another process rebuilds the query."""
        return {
            "arguments": self.given,
            "limit": self.limit,
            "explode": list(self.schema.exploded),
        }

    def __str__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments)
        return describe_query(self.endpoint.name, arguments, self.limit, self.schema.exploded)


def describe_query(
    endpoint: str, arguments: str, limit: int | None, explode: Iterable[str] = ()
) -> str:
    """Return a query as Python code.

    Examples
    --------
    >>> describe_query("posts", "status='failed'", 250, ["tags"])
    "posts(status='failed').limit(250).explode('tags')"
    """
    text = f"{endpoint}({arguments})"
    text += "" if limit is None else f".limit({limit})"
    return text + "".join(f".explode({name!r})" for name in explode)


def whole_number(name: str, value: object) -> int:
    """Return the value, an integer from 1.

    Raises
    ------
    ArgumentError
        If it is anything else.

    Examples
    --------
    >>> whole_number("per_page", 100)
    100
    """
    try:
        number = 0 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if not 1 <= number < 1 << 62:
        raise ArgumentError(f"{name} must be an integer from 1; got {value!r}.")
    return number


def to_json(value: object) -> object:
    """Return a value as a JSON value.

    Examples
    --------
    >>> to_json({"a"}), to_json({"limit": 50})
    (['a'], {'limit': 50})
    """
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {str(name): to_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(entry) for entry in value]
    try:
        return plain_scalar("", value)
    except ArgumentError:
        return str(value)
