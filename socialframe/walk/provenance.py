"""Describes the provenance of rows in one line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from socialframe.errors import ArgumentError
from socialframe.redact import redacted

if TYPE_CHECKING:
    import pandas as pd

#: Words for the ``complete`` of a walk.
WHOLE = {True: "complete", False: "not complete", None: "may be incomplete"}
_UNKNOWN = "The frame has no provenance."
_SOURCES = {"from_network": "the network", "from_cache": "the cache", "from_journal": "the journal"}


def provenance(frame: pd.DataFrame) -> str:
    """Return the provenance of the rows of a DataFrame in one line.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows from a query or ``read_parquet``, which may be filtered. ``frame.attrs["socialframe"]``
        has the same facts as JSON values.

    Returns
    -------
    str
        Endpoint, arguments, rows, pages and their source, dropped duplicates, first and last fetch,
        the id of the last request, completeness and its reason, versions of schema and socialframe.
        Never the key.

    Raises
    ------
    ArgumentError
        If ``frame`` is not a DataFrame.

    Examples
    --------
    >>> import socialframe as sf
    >>> line = provenance(sf.Client.sandbox().accounts(platform="tiktok").frame())
    >>> line.split(", 1 from")[0]
    "accounts(platform='tiktok'), GET /v1/accounts: 3 rows in 1 pages"
    """
    attrs = getattr(frame, "attrs", None)
    if not isinstance(attrs, Mapping) or not hasattr(frame, "columns"):
        raise ArgumentError(f"frame must be a DataFrame; got a {type(frame).__name__}.")
    return describe_facts(attrs.get("socialframe"), len(frame))


def describe_facts(facts: object, here: int) -> str:
    """Return the facts of a walk in one line; ``here`` is the current number of rows.

    Facts that an older version did not write are left out.

    Examples
    --------
    >>> describe_facts({"endpoint": "posts", "rows": 7, "complete": True, "stop": "limit"}, 2)
    'posts(): 2 rows here, of 7 received, complete up to the limit'
    """
    if not isinstance(facts, Mapping) or not facts:
        return _UNKNOWN
    arguments = facts.get("arguments")
    given = arguments.items() if isinstance(arguments, Mapping) else ()
    asked = ", ".join(f"{name}={value!r}" for name, value in given)
    path = f", GET {facts['path']}" if "path" in facts else ""
    rows = facts.get("rows")
    counted = f"{here:,} rows" + (f" here, of {_number(rows)} received" if rows != here else "")
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
    if facts.get("unused_requests"):
        parts.append(f"{_number(facts['unused_requests'])} requests not needed")
    if facts.get("period"):
        parts.append(str(facts["period"]))
    if "duplicates" in facts:
        parts.append(f"{_number(facts['duplicates'])} duplicates dropped")
    if facts.get("first_fetch"):
        parts.append(
            f"fetched {_moment(facts['first_fetch'])} to {_moment(facts.get('last_fetch'))}"
        )
    if facts.get("request_id"):
        parts.append(f"last request {facts['request_id']}")
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
    """Return a timestamp to the second; return other values unchanged."""
    return re.sub(r"(?<=:\d\d)(\.\d+)?\+00:00$", "Z", str(value))
