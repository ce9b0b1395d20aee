"""What the commands that fetch have in common: a client, a query, and where its rows go."""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from socialframe.errors import (
    ArgumentError,
    AuthenticationError,
    FileError,
    IncompleteWalk,
    InvalidKeyError,
    MissingKeyError,
    SocialFrameError,
    WalkWarning,
)
from socialframe.walk.provenance import WHOLE, worded

if TYPE_CHECKING:
    import pandas as pd

    from socialframe.paging import Paging
    from socialframe.query import Query

F = TypeVar("F", bound=Callable[..., Any])

_SHOWN = 20  # rows of a table in a terminal
_WIDEST = 40  # letters of one of its cells
_QUERY = 60  # letters of a query, or of a reason, in a list of walks
_SUFFIXES = (".parquet", ".csv", ".jsonl")

UNCERTAIN = 4
_INTERRUPTED = 130  # as a shell says it of what SIGINT ended
#: Exit codes, the first that fits.
EXIT_CODES: tuple[tuple[type[SocialFrameError], int], ...] = (
    (ArgumentError, 2),
    (FileError, 2),
    (MissingKeyError, 3),
    (InvalidKeyError, 3),
    (AuthenticationError, 3),
    (IncompleteWalk, UNCERTAIN),
    (SocialFrameError, 5),
)


@contextmanager
def sentences() -> Iterator[None]:
    """Turn what can go wrong into one sentence on standard error and an exit code.

    A walk of which nobody can say that it is whole gives its rows, a sentence, and the code of one
    that broke: what follows in a pipeline must not take it for complete.
    """
    doubts: list[str] = []

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        doubts.extend([str(message)] * issubclass(category, WalkWarning))
        click.echo(f"Warning: {message}", err=True)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", WalkWarning)
            warnings.showwarning = show
            yield
        if doubts:
            raise click.exceptions.Exit(UNCERTAIN)
    except SocialFrameError as error:
        code = next(code for cls, code in EXIT_CODES if isinstance(error, cls))
        click.echo(f"Error: {error}", err=True)
        if isinstance(error, IncompleteWalk) and error.walk_id:
            click.echo(f"To go on: socialframe walks resume {error.walk_id}", err=True)
        raise click.exceptions.Exit(code) from None
    except UnicodeEncodeError as error:
        text = f"The output's encoding ({error.encoding}) lacks some letters; PYTHONUTF8=1 has all."
        raise click.ClickException(text) from None
    except BrokenPipeError:
        # Whoever read has enough. What is still buffered has nowhere to go.
        sys.stdout = None
        raise click.exceptions.Exit(0) from None
    except OSError as error:
        raise click.ClickException(f"Cannot write: {error.strerror or error}.") from None


def fetching(function: F) -> F:
    """Give a command the options of all that fetch, and do with its query what they say."""

    @click.option("-o", "--output", type=click.Path(), help="FILE.parquet, .csv or .jsonl")
    @click.option("--json", "as_json", is_flag=True, help="One JSON array of the rows, on stdout.")
    @click.option("--limit", type=click.IntRange(1), help="Rows at most.")
    @click.option("--explode", help="One row an entry of this list column.")
    @click.option("--max-requests", type=click.IntRange(1), help="Send no more than so many.")
    @click.option("--tier", type=click.Choice(["auto", "free", "paid"]), default="auto")
    @click.option("--no-cache", is_flag=True, help="Neither keep answers nor serve kept ones.")
    @click.option("--refresh", is_flag=True, help="Ask anew, whatever is kept.")
    @click.option("--offline", is_flag=True, help="Send nothing: only what is kept serves.")
    @click.option("--sandbox", is_flag=True, help="Made-up data: no key, no network.")
    @wraps(function)
    def command(
        *args: Any,  # noqa: ANN401 - the command's own
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
        **kwargs: Any,  # noqa: ANN401 - the command's own
    ) -> None:
        check_output(output, as_json=as_json)
        from socialframe.client import Client

        with sentences():
            made = (
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
            with made as api:
                query: Query = function(api, *args, **kwargs)
                query = query.limit(limit) if limit else query
                query = query.explode(explode) if explode else query
                deliver(query, output, as_json=as_json)

    return command  # type: ignore[return-value]


def check_output(output: str | None, *, as_json: bool) -> None:
    """Refuse what cannot be meant by ``-o`` and ``--json``.

    Raises
    ------
    click.UsageError
        If it cannot.
    """
    if output and as_json:
        raise click.UsageError("-o writes a file and --json to stdout: one of them.")
    if output and Path(output).suffix not in _SUFFIXES:
        raise click.UsageError(f"-o ends in one of {', '.join(_SUFFIXES)}.")


def deliver(query: Query, output: str | None, *, as_json: bool) -> None:
    """Give a query's rows as ``-o`` and ``--json`` say; Ctrl-C gives none."""
    try:
        _given(query, output, as_json=as_json)
    except KeyboardInterrupt:
        click.echo("Interrupted. What came is kept: socialframe walks ls", err=True)
        raise click.exceptions.Exit(_INTERRUPTED) from None


def _given(query: Query, output: str | None, *, as_json: bool) -> None:
    if output:
        write = {".parquet": query.to_parquet, ".csv": query.to_csv, ".jsonl": query.to_jsonl}
        path = write[Path(output).suffix](output)
        click.echo(f"{path}: {path.stat().st_size:,} bytes.", err=True)
    elif as_json:
        _print_json(query)
    else:
        frame = query.frame()
        click.echo(frame.head(_SHOWN).to_string(max_colwidth=_WIDEST, na_rep=""))
        facts = frame.attrs["socialframe"]
        shown = f"first {_SHOWN} of " if len(frame) > _SHOWN else ""
        text = f"{shown}{len(frame):,} rows, {frame.shape[1]} columns, {_calls(facts)}, "
        click.echo(text + WHOLE[facts["complete"]], err=True)


def list_walks(table: pd.DataFrame, moment: str, nothing: str, *, as_json: bool) -> None:
    """Print a table of walks, whose column ``moment`` has times; say so where there are none."""
    if as_json:
        table["age"] = table["age"].dt.total_seconds()
        click.echo(table.to_json(orient="records", date_format="iso"))
    elif table.empty:
        click.echo(nothing, err=True)
    else:
        table["age"] = table["age"].dt.round("s")
        table[moment] = table[moment].dt.strftime("%Y-%m-%d %H:%M")
        click.echo(table.to_string(index=False, max_colwidth=_QUERY))


def _calls(facts: dict[str, Any]) -> str:
    """Return how many calls it took, and from when those are that the cache answered."""
    kept = f" from the cache, of {facts['first_fetch'][:16]}" if facts.get("from_cache") else ""
    pages = facts["pages"]
    return f"{pages:,} call{'s' * (pages != 1)}{kept}"


def _print_json(query: Query) -> None:
    """Print one JSON array, an entry a line: nothing before the walk is whole, memory flat."""
    with tempfile.TemporaryDirectory() as folder:
        path = query.to_jsonl(Path(folder, "rows.jsonl"))
        with path.open(encoding="utf-8", newline="\n") as rows:
            for number, row in enumerate(rows):
                click.echo((",\n " if number else "[") + row.rstrip("\n"), nl=False)
            click.echo("[]" if not path.stat().st_size else "]")


def parameters(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Return NAME=VALUE arguments as a mapping; a name given twice is a list.

    Examples
    --------
    >>> parameters(("a=1", "b=x=y", "a=2"))
    {'a': ['1', '2'], 'b': 'x=y'}
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.UsageError(f"A parameter is NAME=VALUE, not {pair!r}.")
        before = found.get(name)
        several = before if isinstance(before, list) else [before]
        found[name] = value if before is None else [*several, value]
    return found


def scheme(text: str) -> Paging:
    """Return a paging scheme from its Python spelling; nothing of it is run.

    Raises
    ------
    click.UsageError
        If it is no scheme with keyword arguments that are plain values.

    Examples
    --------
    >>> scheme("Cursor(field='meta.next', param='cursor')").param
    'cursor'
    """
    from socialframe.paging.parse import SCHEMES, parse_scheme

    try:
        return parse_scheme(text)
    except ValueError:
        raise click.UsageError(
            f"--paging takes one of {', '.join(SCHEMES)} as in Python, as "
            f'\'Cursor(field="meta.next", param="cursor")\', not {text!r}.'
        ) from None


def describe_file(path: str) -> str:
    """Return a Parquet file's provenance and columns, in words.

    Raises
    ------
    FileError
        If it is no Parquet file.
    """
    from socialframe.files.parquet import FOOTER, open_parquet

    with open_parquet(path) as file:
        rows = file.metadata.num_rows
        facts = json.loads((file.metadata.metadata or {}).get(FOOTER, b"{}"))
        lines = [f"{path}: {rows:,} rows", worded(facts, rows)]
        lines += [f"  {field.name}: {field.type}" for field in file.schema_arrow]
    return "\n".join(lines)


def describe_drift(path: str, endpoint: str | None, *, as_json: bool) -> str:
    """Return what describe_drift in a Parquet file: a table and the lines that declare it, or JSON.

    Raises
    ------
    FileError
        If it is no Parquet file.
    ArgumentError
        If nothing says which columns were declared.
    """
    from socialframe.files.parquet import read_parquet
    from socialframe.quality.drift import drift

    found = drift(read_parquet(path), endpoint=endpoint)
    if as_json:
        rows = (json.dumps(row, ensure_ascii=False) for row in found.to_dict("records"))
        return "[" + ",\n ".join(rows) + "]"
    if found.empty:
        return "No drift: every field is declared and held, and no column is always null."
    table = found.drop(columns="declare").to_string(max_colwidth=_WIDEST, index=False)
    lines = [line for line in found["declare"] if line and not line.startswith("#")]
    return "\n".join([table, *(["", "What would declare them:", "", *lines] if lines else [])])
