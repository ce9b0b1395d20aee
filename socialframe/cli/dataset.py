"""``socialframe dataset``: make a dataset, refresh it, and look at it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from socialframe.cli.exit_codes import INTERRUPTED
from socialframe.errors import ArgumentError

if TYPE_CHECKING:
    from socialframe.client import Client

_ENDPOINTS = ("accounts", "analytics", "followers", "health", "posts")
_tier = click.option("--tier", type=click.Choice(["auto", "free", "paid"]), default="auto")


@click.group()
def dataset() -> None:
    """Keep a table of rows current, for example from cron.

    A dataset is a Delta table, in a folder or at a URL such as s3://bucket/posts. It needs
    deltalake: pip install 'socialframe[dataset]'.
    """


@dataset.command()
@click.argument("path")
@click.argument("endpoint", type=click.Choice(_ENDPOINTS))
@click.option("--status", help="posts: only this status, such as published.")
@click.option("--platform", help="Only this platform, such as instagram.")
@click.option("--account-id", help="analytics: only posts with this account as a target.")
@click.option("--account-ids", multiple=True, help="followers: only this account; repeatable.")
@click.option("--since", help="First day (UTC), such as 2026-01-31.")
@click.option("--until", help="Last day (UTC), included.")
@click.option("--restate", default="14 days", show_default=True, help="How long rows may change.")
@click.option("--no-history", is_flag=True, help="Do not keep older versions of rows.")
@click.option("--keep-deletes", is_flag=True, help="Keep rows that the API no longer has.")
@_tier
def init(
    *,
    path: str,
    endpoint: str,
    restate: str,
    no_history: bool,
    keep_deletes: bool,
    tier: str,
    **options: str | tuple[str, ...] | None,
) -> None:
    """Make an empty dataset of an endpoint. Sends no request; 'dataset refresh' gets the rows.

    \b
    Examples:
      socialframe dataset init data/posts posts --since 2025-01-01
      socialframe dataset init s3://bucket/numbers analytics --since 2025-01-01 --restate "30 days"
    """
    from socialframe.dataset import Dataset

    given = {name: value for name, value in options.items() if value}
    with _client(tier) as api:
        try:
            query = getattr(api, endpoint)(**given)
        except TypeError:
            raise click.UsageError(f"{endpoint} does not take all of {', '.join(given)}.") from None
        made = Dataset(
            path,
            query,
            restate=restate,
            history=not no_history,
            deletes="keep" if keep_deletes else "remove",
        )
        click.echo(repr(made.create()))


@dataset.command()
@click.argument("path")
@click.option("--full", is_flag=True, help="Fetch and replace all rows.")
@click.option("--wait", type=click.FloatRange(0), default=60, help="Seconds to wait for another.")
@click.option("--max-requests", type=click.IntRange(1), help="Maximum number of requests.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@_tier
def refresh(
    *, path: str, full: bool, wait: float, max_requests: int | None, as_json: bool, tier: str
) -> None:
    """Fetch new rows and those that may have changed, and write them in one commit.

    A failure changes nothing; the next refresh continues after the pages that were received.

    \b
    Examples:
      socialframe dataset refresh data/posts
      socialframe dataset refresh data/posts --full --json
    """
    from socialframe.dataset import open_dataset

    with _client(tier) as api:
        try:
            opened = open_dataset(path, client=api)
            done = opened.refresh(full=full, wait=wait, max_requests=max_requests)
        except KeyboardInterrupt:
            click.echo("Interrupted. The dataset was not changed.", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None
    click.echo(json.dumps(done.to_json()) if as_json else f"{path}: {done}")


@dataset.command()
@click.argument("path")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def info(*, path: str, as_json: bool) -> None:
    """Show the query, the settings, the rows and the last refresh. Needs no key.

    \b
    Examples:
      socialframe dataset info data/posts
      socialframe dataset info data/posts --json
    """
    from socialframe.dataset import open_dataset

    found = open_dataset(path).info()
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, value in found.items():
        if isinstance(value, dict):
            value = ", ".join(f"{one}={inner}" for one, inner in value.items())  # noqa: PLW2901
        click.echo(f"{name}: {'' if value is None else value}")


@dataset.command()
@click.argument("path")
@click.option("--key", multiple=True, help="Key of one row; once for each column of the key.")
@click.option("--column", multiple=True, help="Only this column; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def history(*, path: str, key: tuple[str, ...], column: tuple[str, ...], as_json: bool) -> None:
    """Show the values that numbers had, each with the time of the refresh. Needs no key.

    \b
    Examples:
      socialframe dataset history data/numbers --key post_1 --column likes
      socialframe dataset history data/numbers --column likes --json
    """
    from socialframe.dataset import open_dataset

    if not key and not column:
        raise ArgumentError("Pass --key or --column; the history of everything is long.")
    frame = open_dataset(path).history(key or None, list(column) or None)
    if as_json:
        click.echo(frame.to_json(orient="records", date_format="iso", date_unit="us"))
    elif frame.empty:
        click.echo("There is no history of it.", err=True)
    else:
        click.echo(frame.to_string(index=False))


def _client(tier: str) -> Client:
    from socialframe.client import Client

    return Client(tier=tier)  # type: ignore[arg-type]
