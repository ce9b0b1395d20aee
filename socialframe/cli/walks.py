"""``socialframe walks``: which walks are unfinished, going on with one, and throwing them away."""

from __future__ import annotations

import click

from socialframe.cli.output import check_output, deliver, list_walks, sentences
from socialframe.errors import ArgumentError


@click.group()
def walks() -> None:
    """Look at the walks that broke or were interrupted, and go on with them.

    The same query run again within the hour goes on by itself; with a name, any does, for a week.
    """


@walks.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON array, on stdout; ages in seconds.")
def ls(*, as_json: bool) -> None:
    """List them, newest first. Sends nothing, and needs no key.

    \b
    Examples:
      socialframe walks ls
      socialframe walks ls --json
    """  # noqa: D301 - \b tells click to keep the lines
    from socialframe.readers import walks as unfinished

    with sentences():
        list_walks(unfinished(), "changed", "No walk is unfinished.", as_json=as_json)


@walks.command()
@click.argument("walk_id")
@click.option("-o", "--output", type=click.Path(), help="FILE.parquet, .csv or .jsonl")
@click.option("--json", "as_json", is_flag=True, help="One JSON array of the rows, on stdout.")
@click.option("--tier", type=click.Choice(["auto", "free", "paid"]), default="auto")
def resume(*, walk_id: str, output: str | None, as_json: bool, tier: str) -> None:
    """Go on with one where it stopped, and give all its rows.

    \b
    Examples:
      socialframe walks resume 1f3a90c2 -o posts.parquet
      socialframe walks resume 1f3a90c2 --json
    """  # noqa: D301 - \b tells click to keep the lines
    from socialframe.client import Client

    check_output(output, as_json=as_json)
    with sentences(), Client(tier=tier) as api:  # type: ignore[arg-type]
        deliver(api.resume(walk_id), output, as_json=as_json)


@walks.command()
@click.argument("walk_ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that nobody is at work on.")
def rm(*, walk_ids: tuple[str, ...], everything: bool) -> None:
    """Throw what they fetched away. Sends nothing, and needs no key.

    \b
    Examples:
      socialframe walks rm 1f3a90c2
      socialframe walks rm --all
    """  # noqa: D301 - \b tells click to keep the lines
    from socialframe.store.cache import open_existing_store
    from socialframe.store.stored_walk import RUNNING

    with sentences():
        if not walk_ids and not everything:
            raise click.UsageError(
                "Say which walks, as 'socialframe walks ls' names them, or --all."
            )
        store = open_existing_store()
        found = {walk.id: walk for walk in store.open_walks()}
        for name in walk_ids:
            if name not in found:
                raise ArgumentError(f"There is no unfinished walk {name!r}.")
            if found[name].state == RUNNING:
                raise ArgumentError(f"The walk {name!r} is running, here or in another process.")
        idle = [walk for walk in found.values() if walk.state != RUNNING]
        gone = [walk for walk in idle if everything or walk.id in walk_ids]
        click.echo(f"{store.discard(gone):,} walks are gone.")
