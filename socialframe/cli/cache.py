"""``socialframe cache``: what is kept, how much it is, and how it is thrown away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from socialframe.cli.output import list_walks, sentences
from socialframe.errors import MissingKeyError

if TYPE_CHECKING:
    from socialframe.store.cache import Cached

_everyone = click.option(
    "--all", "everyone", is_flag=True, help="Of every key and base URL; needs no key."
)


@click.group()
def cache() -> None:
    """Look at the walks that are kept, or throw them away. Sends nothing.

    Each command means the walks of the key at hand, or with --all those of every key.
    """


@cache.command()
@_everyone
@click.option("--json", "as_json", is_flag=True, help="One JSON array, on stdout; ages in seconds.")
def ls(*, everyone: bool, as_json: bool) -> None:
    """List them, newest first.

    \b
    Examples:
      socialframe cache ls
      socialframe cache ls --all --json
    """  # noqa: D301 - \b tells click to keep the lines
    with sentences():
        list_walks(_kept(everyone=everyone).table(), "fetched", "Nothing is kept.", as_json=as_json)


@cache.command()
@_everyone
def size(*, everyone: bool) -> None:
    """Say how much they hold.

    \b
    Examples:
      socialframe cache size
      socialframe cache size --all
    """  # noqa: D301 - \b tells click to keep the lines
    from socialframe.folders import cache_file
    from socialframe.store.cache import MOST

    with sentences():
        table = _kept(everyone=everyone).table()
        click.echo(
            f"{table['size'].sum():,} bytes in {len(table):,} walks; at most "
            f"{MOST:,} are kept, in {cache_file()}."
        )


@cache.command()
@_everyone
@click.option("--endpoint", help="Only of this endpoint, as posts.")
@click.option("--older-than", help="Only those that are older, as '1 day'.")
def clear(*, everyone: bool, endpoint: str | None, older_than: str | None) -> None:
    """Throw them away; the next time the API is asked anew.

    \b
    Examples:
      socialframe cache clear --older-than "1 day"
      socialframe cache clear --all
    """  # noqa: D301 - \b tells click to keep the lines
    with sentences():
        gone = _kept(everyone=everyone).clear(endpoint=endpoint, older_than=older_than)
        click.echo(f"{gone:,} walks are gone.")


def _kept(*, everyone: bool) -> Cached:
    """Return the cache of the key at hand, or of all.

    Raises
    ------
    MissingKeyError
        If there is no key, and not all were meant.
    """
    from socialframe.folders import cache_file
    from socialframe.secret import tenant
    from socialframe.settings import read_settings
    from socialframe.store.cache import Cached, Choice

    whose = ""
    if not everyone:
        try:
            settings = read_settings()
        except MissingKeyError:
            text = "There is no API key, which says whose walks are meant; --all means every key's."
            raise MissingKeyError(text) from None
        whose = tenant(settings.base_url, settings.secret)
    place = cache_file()
    # To look is no reason to make a file.
    return Cached(Choice(place if place.exists() else None), whose)
