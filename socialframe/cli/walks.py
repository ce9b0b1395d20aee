"""``socialframe walks``: list, resume and remove unfinished walks."""

from __future__ import annotations

import click

from socialframe.cli.output import check_output, count_walks, list_walks, write_output
from socialframe.errors import ArgumentError


@click.group()
def walks() -> None:
    """List and resume walks that failed or were interrupted.

    Within an hour, the same query resumes its walk automatically. By id, a walk can be resumed for
    a week.
    """


@walks.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array; ages in seconds.")
def ls(*, as_json: bool) -> None:
    """List the walks, newest first. Sends no request and needs no key.

    \b
    Examples:
      socialframe walks ls
      socialframe walks ls --json
    """
    from socialframe.readers import walks as unfinished

    list_walks(unfinished(), "changed", "There are no unfinished walks.", as_json=as_json)


@walks.command()
@click.argument("walk_id")
@click.option("-o", "--output", type=click.Path(), help="FILE.parquet, .csv or .jsonl")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as one JSON array.")
@click.option("--tier", type=click.Choice(["auto", "free", "paid"]), default="auto")
def resume(*, walk_id: str, output: str | None, as_json: bool, tier: str) -> None:
    """Continue a walk and write all its rows.

    \b
    Examples:
      socialframe walks resume 1f3a90c2 -o posts.parquet
      socialframe walks resume 1f3a90c2 --json
    """
    from socialframe.client import Client

    check_output(output, as_json=as_json)
    with Client(tier=tier) as api:  # type: ignore[arg-type]
        write_output(api.resume(walk_id), output, as_json=as_json)


@walks.command()
@click.argument("walk_ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All walks that are not running.")
def rm(*, walk_ids: tuple[str, ...], everything: bool) -> None:
    """Remove walks and their pages. Sends no request and needs no key.

    \b
    Examples:
      socialframe walks rm 1f3a90c2
      socialframe walks rm --all
    """
    from socialframe.store.cache import open_existing_store
    from socialframe.store.stored_walk import RUNNING

    if not walk_ids and not everything:
        raise click.UsageError("Pass the ids of walks ('socialframe walks ls'), or --all.")
    store = open_existing_store()
    found = {walk.id: walk for walk in store.open_walks()}
    for walk_id in walk_ids:
        if walk_id not in found:
            raise ArgumentError(f"There is no unfinished walk {walk_id!r}.")
        if found[walk_id].state == RUNNING:
            raise ArgumentError(f"The walk {walk_id!r} is running, here or in another process.")
    idle = [walk for walk in found.values() if walk.state != RUNNING]
    gone = [walk for walk in idle if everything or walk.id in walk_ids]
    click.echo(f"Removed {count_walks(store.discard(gone))}.")
