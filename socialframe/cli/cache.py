"""``socialframe cache``: list, measure and clear the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from socialframe.cli.output import count_walks, list_walks
from socialframe.errors import MissingKeyError

if TYPE_CHECKING:
    from socialframe.store.cache import Cache

_all_option = click.option(
    "--all", "all_keys", is_flag=True, help="Walks of all keys and base URLs; needs no key."
)


@click.group()
def cache() -> None:
    """List or clear the walks in the cache. Sends no request.

    Each command covers the walks of the current key, or of all keys with --all.
    """


@cache.command()
@_all_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array; ages in seconds.")
def ls(*, all_keys: bool, as_json: bool) -> None:
    """List the walks, newest first.

    \b
    Examples:
      socialframe cache ls
      socialframe cache ls --all --json
    """
    table = _open(all_keys=all_keys).table()
    list_walks(table, "fetched", "The cache is empty.", as_json=as_json)


@cache.command()
@_all_option
def size(*, all_keys: bool) -> None:
    """Show the size of the walks.

    \b
    Examples:
      socialframe cache size
      socialframe cache size --all
    """
    from socialframe.store.cache import MAX_BYTES, default_path

    table = _open(all_keys=all_keys).table()
    click.echo(
        f"{table['size'].sum():,} bytes in {count_walks(len(table))}; the limit is "
        f"{MAX_BYTES:,} bytes. File: {default_path() or 'none, since HOME is not set'}"
    )


@cache.command()
@_all_option
@click.option("--endpoint", help="Only walks of this endpoint, such as posts.")
@click.option("--older-than", help="Only walks older than this, such as '1 day'.")
def clear(*, all_keys: bool, endpoint: str | None, older_than: str | None) -> None:
    """Remove walks, so that the next query asks the API.

    \b
    Examples:
      socialframe cache clear --older-than "1 day"
      socialframe cache clear --all
    """
    count = _open(all_keys=all_keys).clear(endpoint=endpoint, older_than=older_than)
    click.echo(f"Removed {count_walks(count)}.")


def _open(*, all_keys: bool) -> Cache:
    """Return the cache of the current key, or of all keys."""
    from socialframe.secret import tenant
    from socialframe.settings import read_settings
    from socialframe.store.cache import Cache, CacheSettings, open_existing_store

    owner = ""
    if not all_keys:
        try:
            key = read_settings()
        except MissingKeyError:
            text = "There is no API key. Set one, or pass --all for the walks of all keys."
            raise MissingKeyError(text) from None
        owner = tenant(key.base_url, key.secret)
    settings = CacheSettings()
    return Cache(open_existing_store(settings), settings, owner)
