"""What an endpoint is, as a value: everything that a walk has to know of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from socialframe.replies import Page, open_reply, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.columns import Schema
    from socialframe.paging import Paging
    from socialframe.replies import Call, Reply


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
        """Take a reply apart; see ``open_reply``."""
        if self.reshape is not None:
            records = self.reshape(parse(reply.body))
            if records is not None:
                items = json.dumps(records, separators=(",", ":")).encode()
                return Page(call, reply, {}, items, "")
        return open_reply(call, reply, self.records, needs=self.paging.needs, first=first)
