"""The ``socialframe`` command.

Rows go to standard output or into a file, everything else to standard error.

Exit codes: 0 complete; 2 usage; 3 missing or invalid key; 4 a walk that failed (no rows) or may be
incomplete (with rows), or a dataset that was not changed; 5 any other error; 6 no connection, or a
response was cut off; 7 not found (404); 8 the API refused the request; 130 Ctrl-C; 143 SIGTERM.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import click

from socialframe.cli.cache import cache
from socialframe.cli.connect import connect, disconnect
from socialframe.cli.dataset import dataset
from socialframe.cli.demo import demo
from socialframe.cli.echo import echo
from socialframe.cli.exit_codes import report_errors
from socialframe.cli.output import describe_drift, describe_file, query_options
from socialframe.cli.sandbox import sandbox
from socialframe.cli.walks import walks
from socialframe.version import VERSION

if TYPE_CHECKING:
    from socialframe.client import Client
    from socialframe.paging import Paging
    from socialframe.query import Query

_platform = click.option("--platform", help="Only this platform, such as instagram.")
_since = click.option("--since", help="First day (UTC), such as 2026-01-31.")
_until = click.option("--until", help="Last day (UTC), included.")
_per_page = click.option(
    "--per-page", type=click.IntRange(1), default=100, show_default=True, help="Rows per request."
)


class _Main(click.Group):
    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as in the base
        with report_errors():
            return super().invoke(ctx)


@click.group(cls=_Main, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", count=True, help="Log waits and retries; -vv logs each request.")
@click.version_option(VERSION, message="socialframe %(version)s")
@click.pass_context
def main(context: click.Context, verbose: int) -> None:
    """Social posts and their metrics as DataFrames and Parquet files."""
    if os.environ.get("NO_COLOR"):
        context.color = False
    if verbose:
        level = logging.DEBUG if verbose > 1 else logging.INFO
        logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
        logging.getLogger("socialframe").setLevel(level)


for command in (cache, connect, dataset, demo, disconnect, sandbox, walks):
    main.add_command(command)


@main.command()
@_platform
@query_options
def accounts(api: Client, platform: str | None) -> Query:
    """Get the accounts that are connected to the key.

    \b
    Examples:
      socialframe accounts
      socialframe accounts --platform instagram --json
    """
    return api.accounts(platform)


@main.command()
@query_options
def health(api: Client) -> Query:
    """Get the token and permission status of each account.

    \b
    Examples:
      socialframe health
      socialframe health -o health.csv
    """
    return api.health()


@main.command()
@click.option("--status", help="Only this status, such as published.")
@_platform
@_since
@_until
@_per_page
@query_options
def posts(
    api: Client,
    status: str | None,
    platform: str | None,
    since: str | None,
    until: str | None,
    per_page: int,
) -> Query:
    """Get posts, one row per post.

    \b
    Examples:
      socialframe posts -o posts.parquet
      socialframe posts --status failed --since 2026-01-01 --explode platforms
    """
    return api.posts(status, platform, since, until, per_page)


@main.command()
@_platform
@click.option("--account-id", help="Only posts with this account as a target.")
@_since
@_until
@_per_page
@query_options
def analytics(
    api: Client,
    platform: str | None,
    account_id: str | None,
    since: str | None,
    until: str | None,
    per_page: int,
) -> Query:
    """Get metrics of published posts, by default of the last 90 days.

    \b
    Examples:
      socialframe analytics --platform instagram
      socialframe analytics --since 2026-01-01 -o numbers.parquet
    """
    return api.analytics(platform, account_id, since, until, per_page)


@main.command()
@click.option("--account-ids", multiple=True, help="Only this account; repeat it for several.")
@_since
@_until
@query_options
def followers(
    api: Client, account_ids: tuple[str, ...], since: str | None, until: str | None
) -> Query:
    """Get the daily followers of each account, by default of the last 30 days.

    \b
    Examples:
      socialframe followers
      socialframe followers --account-ids ig_1 --account-ids ig_2 -o followers.csv
    """
    return api.followers(account_ids or None, since, until)


@main.command()
@click.argument("path")
@click.argument("params", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--records", help="Dotted path of the list; '' if the body is the list.")
@click.option("--key", multiple=True, help="Path of the primary key in a record; may be repeated.")
@click.option("--columns", help='Types as JSON: {"createdAt": "timestamp"}.')
@click.option("--paging", help="Paging scheme, written as in Python; detected by default.")
@query_options
def fetch(
    api: Client,
    path: str,
    params: tuple[str, ...],
    records: str | None,
    key: tuple[str, ...],
    columns: str | None,
    paging: str | None,
) -> Query:
    """Get the rows of any endpoint, declared or not.

    \b
    Examples:
      socialframe fetch /v1/posts limit=100 status=failed
      socialframe fetch /v1/logs --key id --paging 'Cursor(field="next", param="cursor")'
    """
    try:
        types = json.loads(columns) if columns else None
    except ValueError as error:
        raise click.UsageError(
            f"--columns must be a JSON object; got {columns!r} ({error})."
        ) from None
    return api.fetch(
        path,
        records=records,
        params=_parse_params(params),
        paging=_parse_paging(paging) if paging else None,
        columns=types,
        key=key,
    )


def _parse_params(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Return NAME=VALUE arguments as a mapping; a repeated name gets a list."""
    params: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.UsageError(f"A parameter must be NAME=VALUE; got {pair!r}.")
        before = params.get(name)
        several = before if isinstance(before, list) else [before]
        params[name] = value if before is None else [*several, value]
    return params


def _parse_paging(text: str) -> Paging:
    """Return the scheme written as Python, without evaluating it."""
    from socialframe.paging.parse import SCHEMES, parse_scheme

    try:
        return parse_scheme(text)
    except ValueError:
        raise click.UsageError(
            f"--paging must be one of {', '.join(SCHEMES)}, written as in Python, like "
            f'\'Cursor(field="meta.next", param="cursor")\'; got {text!r}.'
        ) from None


@main.command()
@click.argument("file", type=click.Path())
def inspect(file: str) -> None:
    """Show the provenance and the columns of a Parquet file.

    \b
    Examples:
      socialframe inspect posts.parquet
      socialframe demo && socialframe inspect socialframe-demo.parquet
    """
    echo(describe_file(file))


@main.command()
@click.argument("file", type=click.Path())
@click.option("--endpoint", help="Compare with the columns of this endpoint, such as posts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def drift(file: str, *, endpoint: str | None, as_json: bool) -> None:
    """Show the drift in a Parquet file.

    Drift is unknown fields, values of the wrong type, and columns that are always null.

    \b
    Examples:
      socialframe drift posts.parquet
      socialframe drift old.parquet --endpoint posts --json
    """
    echo(describe_drift(file, endpoint, as_json=as_json))


@main.command()
@click.option("--tier", type=click.Choice(["auto", "free", "paid"]), default="auto")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def budget(*, tier: Literal["auto", "free", "paid"], as_json: bool) -> None:
    """Show the requests left in the rate-limit window. Sends no request.

    \b
    Examples:
      socialframe budget
      socialframe budget --tier paid --json
    """
    from socialframe.client import Client

    with Client(tier=tier) as api:
        now = api.budget
        echo(json.dumps(asdict(now)) if as_json else str(now))
