"""Where rows came from, in one line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from socialframe.errors import ArgumentError
from socialframe.secret import redacted

if TYPE_CHECKING:
    import pandas as pd

#: How sure it is that a walk brought everything, by its ``complete``.
WHOLE = {True: "complete", False: "not complete", None: "perhaps not complete"}
_NOTHING = "Nothing says where its rows came from."
_SOURCES = {"from_network": "the network", "from_cache": "the cache", "from_journal": "the journal"}


def provenance(frame: pd.DataFrame) -> str:
    """Say in one line where the rows of a frame came from.

    Parameters
    ----------
    frame : pandas.DataFrame
        As a query or ``read_parquet`` gives it, whole or filtered. The facts themselves, as JSON
        values, are ``frame.attrs["socialframe"]``.

    Returns
    -------
    str
        Endpoint and arguments, rows, pages and whence, duplicates that were dropped, first and
        last fetch, whether that is everything and what said so, versions of the declared columns
        and of socialframe; nothing of the key. A frame that has no facts is said to have none.

    Raises
    ------
    ArgumentError
        If it is no DataFrame.

    Examples
    --------
    >>> import socialframe as sf
    >>> line = provenance(sf.Client.sandbox().accounts(platform="tiktok").frame())
    >>> line.split(", 1 from")[0]
    "accounts(platform='tiktok'), GET /v1/accounts: 3 rows in 1 pages"
    """
    attrs = getattr(frame, "attrs", None)
    if not isinstance(attrs, Mapping) or not hasattr(frame, "columns"):
        raise ArgumentError(f"provenance takes a DataFrame, not a {type(frame).__name__}.")
    return describe_facts(attrs.get("socialframe"), len(frame))


def describe_facts(facts: object, here: int) -> str:
    """Return the facts of a walk in one line.

    Parameters
    ----------
    facts : object
        As they stand in ``attrs`` or in a file, perhaps written by an older version: what is
        missing is left out.
    here : int
        How many rows there are now.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_facts({"endpoint": "posts", "rows": 7, "complete": True, "stop": "limit"}, 2)
    'posts(): 2 rows here, of 7 that came, complete up to the limit'
    """
    if not isinstance(facts, Mapping) or not facts:
        return _NOTHING
    arguments = facts.get("arguments")
    given = arguments.items() if isinstance(arguments, Mapping) else ()
    asked = ", ".join(f"{name}={value!r}" for name, value in given)
    path = f", GET {facts['path']}" if "path" in facts else ""
    rows = facts.get("rows")
    counted = f"{here:,} rows" + (f" here, of {_number(rows)} that came" if rows != here else "")
    if "pages" in facts:
        counted += f" in {_number(facts['pages'])} pages"
    parts = [counted, *_parts(facts)]
    line = f"{facts.get('endpoint')}({asked}){path}: {', '.join(parts)}"
    return redacted(" ".join(line.split()))


def _parts(facts: Mapping[str, Any]) -> list[str]:
    parts = [
        f"{_number(facts[name])} from {source}"
        for name, source in _SOURCES.items()
        if facts.get(name)
    ]
    if "duplicates" in facts:
        parts.append(f"{_number(facts['duplicates'])} duplicates dropped")
    if facts.get("first_fetch"):
        parts.append(
            f"fetched {_moment(facts['first_fetch'])} to {_moment(facts.get('last_fetch'))}"
        )
    complete, stop = facts.get("complete"), facts.get("stop")
    whole = WHOLE[complete if isinstance(complete, bool) else None]
    parts.append(f"{whole} up to the limit" if stop == "limit" else whole)
    if stop and stop != "limit":
        parts[-1] += f" ({stop})"
    if facts.get("schema"):
        parts.append(f"schema {facts['schema']}")
    if facts.get("version"):
        parts.append(f"socialframe {facts['version']}")
    return parts


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _moment(value: object) -> str:
    """Return a moment to the second; whatever else is there, as it is."""
    return re.sub(r"(?<=:\d\d)(\.\d+)?\+00:00$", "Z", str(value))
