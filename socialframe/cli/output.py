"""Options and output that the commands share."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from socialframe.cli.echo import check_stdout, echo
from socialframe.cli.exit_codes import INTERRUPTED
from socialframe.errors import FileError
from socialframe.folders import temporary_folder_error
from socialframe.walk.provenance import WHOLE, describe_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from socialframe.query import Query

F = TypeVar("F", bound=Callable[..., Any])

_ROWS = 20  # shown of a table
_CELL = 40  # characters of a cell
_QUERY = 60  # characters of a query in a list of walks
_SUFFIXES = (".parquet", ".csv", ".jsonl")


def query_options(function: F) -> F:
    """Add the options of a query to a command that returns one, and write its rows."""

    @click.option("-o", "--output", type=click.Path(), help="FILE.parquet, .csv or .jsonl")
    @click.option("--json", "as_json", is_flag=True, help="Print the rows as one JSON array.")
    @click.option("--limit", type=click.IntRange(1), help="Maximum number of rows.")
    @click.option("--explode", help="One row per entry of this list column.")
    @click.option("--max-requests", type=click.IntRange(1), help="Maximum number of requests.")
    @click.option("--tier", type=click.Choice(["auto", "free", "paid"]), default="auto")
    @click.option("--no-cache", is_flag=True, help="Neither read nor write the cache.")
    @click.option("--refresh", is_flag=True, help="Ask the API, even if the cache is fresh.")
    @click.option("--offline", is_flag=True, help="Send no request; use only the cache.")
    @click.option("--sandbox", is_flag=True, help="Made-up data: no key, no network.")
    @wraps(function)
    def command(
        *args: Any,  # noqa: ANN401 - arguments of the command
        output: str | None,
        as_json: bool,
        limit: int | None,
        explode: str | None,
        max_requests: int | None,
        tier: str,
        no_cache: bool,
        refresh: bool,
        offline: bool,
        sandbox: bool,
        **kwargs: Any,  # noqa: ANN401 - options of the command
    ) -> None:
        check_output(output, as_json=as_json)
        from socialframe.client import Client

        client = (
            Client.sandbox(max_requests=max_requests)
            if sandbox
            else Client(
                tier=tier,  # type: ignore[arg-type]
                cache=not no_cache,
                refresh=refresh,
                offline=offline,
                max_requests=max_requests,
            )
        )
        with client as api:
            query: Query = function(api, *args, **kwargs)
            query = query.limit(limit) if limit else query
            query = query.explode(explode) if explode else query
            write_output(query, output, as_json=as_json)

    return command  # type: ignore[return-value]


def check_output(output: str | None, *, as_json: bool) -> None:
    """Refuse invalid values of ``-o`` and ``--json`` before any request."""
    if output is None:
        check_stdout()
    if output is not None and as_json:
        raise click.UsageError("-o and --json exclude each other. Use one of them.")
    if output is not None and Path(output).suffix not in _SUFFIXES:
        raise click.UsageError(f"-o must end in one of {', '.join(_SUFFIXES)}; got {output!r}.")


def write_output(query: Query, output: str | None, *, as_json: bool) -> None:
    """Write the rows of a query to a file, or print them as JSON or as a table."""
    try:
        if output:
            write = {".parquet": query.to_parquet, ".csv": query.to_csv, ".jsonl": query.to_jsonl}
            path = write[Path(output).suffix](output)
            echo(f"{path}: {path.stat().st_size:,} bytes.", err=True)
        elif as_json:
            _print_json(query)
        else:
            _print_table(query.frame())
    except KeyboardInterrupt:
        text = "Interrupted. The received pages are kept; to list them: socialframe walks ls"
        echo(text, err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _print_json(query: Query) -> None:
    """Print one JSON array, a row per line, after the walk has ended and in constant memory."""
    with _temporary_folder() as folder:
        try:
            path = query.to_jsonl(folder / "rows.jsonl")
        except FileError as error:
            if isinstance(error.__cause__, OSError):
                raise temporary_folder_error(error.__cause__) from error
            raise
        with path.open(encoding="utf-8", newline="\n") as rows:
            for number, row in enumerate(rows):
                echo((",\n " if number else "[") + row.rstrip("\n"), nl=False)
            echo("[]" if not path.stat().st_size else "]")


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    try:
        folder = tempfile.TemporaryDirectory()
    except OSError as error:
        raise temporary_folder_error(error) from error
    with folder as path:
        yield Path(path)


def _print_table(frame: pd.DataFrame) -> None:
    echo(frame.head(_ROWS).to_string(max_colwidth=_CELL, na_rep=""))
    facts = frame.attrs["socialframe"]
    shown = f"first {_ROWS} of " if len(frame) > _ROWS else ""
    pages = facts["pages"]
    calls = f"{pages:,} request{'s' * (pages != 1)}"
    if facts.get("from_cache"):
        calls = f"{calls} from the cache, fetched {facts['first_fetch'][:16]}"
    size = f"{len(frame):,} rows, {frame.shape[1]} columns"
    echo(f"{shown}{size}, {calls}, {WHOLE[facts['complete']]}", err=True)


def list_walks(table: pd.DataFrame, moment: str, empty: str, *, as_json: bool) -> None:
    """Print a table of walks whose column ``moment`` has times, or ``empty`` without walks."""
    check_stdout()
    if as_json:
        table["age"] = table["age"].dt.total_seconds()
        echo(table.to_json(orient="records", date_format="iso"))
    elif table.empty:
        echo(empty, err=True)
    else:
        table["age"] = table["age"].dt.round("s")
        table[moment] = table[moment].dt.strftime("%Y-%m-%d %H:%M")
        echo(table.to_string(index=False, max_colwidth=_QUERY))


def count_walks(count: int) -> str:
    return f"{count:,} walk{'s' * (count != 1)}"


def describe_file(path: str) -> str:
    """Return the provenance and the columns of a Parquet file."""
    from socialframe.files.parquet import FOOTER, open_parquet

    with open_parquet(path) as file:
        rows = file.metadata.num_rows
        facts = json.loads((file.metadata.metadata or {}).get(FOOTER, b"{}"))
        lines = [f"{path}: {rows:,} rows", describe_facts(facts, rows)]
        lines += [f"  {field.name}: {field.type}" for field in file.schema_arrow]
    return "\n".join(lines)


def describe_drift(path: str, endpoint: str | None, *, as_json: bool) -> str:
    """Return the drift in a Parquet file, as JSON or as a table with suggested declarations."""
    from socialframe.files.parquet import read_parquet
    from socialframe.quality.drift import drift

    found = drift(read_parquet(path), endpoint=endpoint)
    if as_json:
        rows = (json.dumps(row, ensure_ascii=False) for row in found.to_dict("records"))
        return "[" + ",\n ".join(rows) + "]"
    if found.empty:
        return "No drift: no unknown field, no value of the wrong type, no column of only nulls."
    table = found.drop(columns="declare").to_string(max_colwidth=_CELL, index=False)
    lines = [line for line in found["declare"] if line and not line.startswith("#")]
    return "\n".join([table, *(["", "Suggested declarations:", "", *lines] if lines else [])])
