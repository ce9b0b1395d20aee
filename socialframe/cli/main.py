"""``socialframe``: the same words from a shell.

Rows go to standard output or into a file, everything else to standard error. Exit codes: 0
complete, 2 usage, 3 no key or a wrong one, 4 a walk that broke (nothing is
given) or of which nobody can say that it is whole (its rows are given), 5 any other refusal of the
API or the network, 130 Ctrl-C.
"""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from socialframe.cli.cache import cache
from socialframe.cli.connect import connect, disconnect
from socialframe.cli.output import (
    describe_drift,
    describe_file,
    fetching,
    parameters,
    scheme,
    sentences,
)
from socialframe.cli.walks import walks
from socialframe.settings import no_color
from socialframe.version import VERSION

if TYPE_CHECKING:
    import pandas as pd

    from socialframe.client import Client
    from socialframe.query import Query

DEMO_FILE = "socialframe-demo.parquet"
_SHOWN = ["id", "status", "content", "published_at", "platforms"]

_platform = click.option("--platform", help="Only this platform, as instagram.")
_since = click.option("--since", help="First day (UTC), as 2026-01-31.")
_until = click.option("--until", help="Last day (UTC), included.")
_per_page = click.option(
    "--per-page", type=click.IntRange(1), default=100, show_default=True, help="Rows a call."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", count=True, help="Say what happens; twice: every call.")
@click.version_option(VERSION, message="socialframe %(version)s")
@click.pass_context
def main(context: click.Context, verbose: int) -> None:
    """Social posts and their numbers as DataFrames and Parquet files."""
    if no_color():
        context.color = False
    if verbose:
        level = logging.DEBUG if verbose > 1 else logging.INFO
        logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
        logging.getLogger("socialframe").setLevel(level)


@main.command()
@_platform
@fetching
def accounts(api: Client, platform: str | None) -> Query:
    """Accounts that are connected to the key.

    \b
    Examples:
      socialframe accounts
      socialframe accounts --platform instagram --json
    """  # noqa: D301 - \b tells click to keep the lines
    return api.accounts(platform)


@main.command()
@fetching
def health(api: Client) -> Query:
    """State of each account's token and permissions.

    \b
    Examples:
      socialframe health
      socialframe health -o health.csv
    """  # noqa: D301 - \b tells click to keep the lines
    return api.health()


@main.command()
@click.option("--status", help="Only this status, as published.")
@_platform
@_since
@_until
@_per_page
@fetching
def posts(
    api: Client,
    status: str | None,
    platform: str | None,
    since: str | None,
    until: str | None,
    per_page: int,
) -> Query:
    """All posts, one row a post.

    \b
    Examples:
      socialframe posts -o posts.parquet
      socialframe posts --status failed --since 2026-01-01 --explode platforms
    """  # noqa: D301 - \b tells click to keep the lines
    return api.posts(status, platform, since, until, per_page)


@main.command()
@_platform
@click.option("--account-id", help="Only posts with a target there.")
@_since
@_until
@_per_page
@fetching
def analytics(
    api: Client,
    platform: str | None,
    account_id: str | None,
    since: str | None,
    until: str | None,
    per_page: int,
) -> Query:
    """Numbers of published posts; of the last 90 days without --since.

    \b
    Examples:
      socialframe analytics --platform instagram
      socialframe analytics --since 2026-01-01 -o numbers.parquet
    """  # noqa: D301 - \b tells click to keep the lines
    return api.analytics(platform, account_id, since, until, per_page)


@main.command()
@click.option("--account-ids", multiple=True, help="Only this account; may be given again.")
@_since
@_until
@fetching
def followers(
    api: Client, account_ids: tuple[str, ...], since: str | None, until: str | None
) -> Query:
    """Followers of each account, day by day; of the last 30 days without --since.

    \b
    Examples:
      socialframe followers
      socialframe followers --account-ids ig_1 --account-ids ig_2 -o followers.csv
    """  # noqa: D301 - \b tells click to keep the lines
    return api.followers(account_ids or None, since, until)


@main.command()
@click.argument("path")
@click.argument("params", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--records", help="Dotted path of the list; '' where the body is the list.")
@click.option("--key", multiple=True, help="Path in a record that tells two rows apart.")
@click.option("--columns", help='Types as JSON: {"createdAt": "timestamp"}.')
@click.option("--paging", help="How pages follow each other, as in Python; else found out.")
@fetching
def fetch(
    api: Client,
    path: str,
    params: tuple[str, ...],
    records: str | None,
    key: tuple[str, ...],
    columns: str | None,
    paging: str | None,
) -> Query:
    """Any endpoint, declared or not.

    \b
    Examples:
      socialframe fetch /v1/posts limit=100 status=failed
      socialframe fetch /v1/logs --key id --paging 'Cursor(field="next", param="cursor")'
    """  # noqa: D301 - \b tells click to keep the lines
    try:
        types = json.loads(columns) if columns else None
    except ValueError as error:
        raise click.UsageError(f"--columns is a JSON object, and this is none: {error}.") from None
    return api.fetch(
        path,
        records=records,
        params=parameters(params),
        paging=scheme(paging) if paging else None,
        columns=types,
        key=key,
    )


@main.command()
@click.argument("file", type=click.Path())
def inspect(file: str) -> None:
    """Say where a Parquet file's rows came from, and what its columns are.

    \b
    Examples:
      socialframe inspect posts.parquet
      socialframe demo && socialframe inspect socialframe-demo.parquet
    """  # noqa: D301 - \b tells click to keep the lines
    with sentences():
        click.echo(describe_file(file))


@main.command()
@click.argument("file", type=click.Path())
@click.option("--endpoint", help="Hold its rows against the columns of this one, as posts.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array, on stdout.")
def drift(file: str, *, endpoint: str | None, as_json: bool) -> None:
    """Tell what a Parquet file holds that no column knows, could hold, or ever saw.

    \b
    Examples:
      socialframe drift posts.parquet
      socialframe drift old.parquet --endpoint posts --json
    """  # noqa: D301 - \b tells click to keep the lines
    with sentences():
        click.echo(describe_drift(file, endpoint, as_json=as_json))


@main.command()
@click.option("--tier", type=click.Choice(["auto", "free", "paid"]), default="auto")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, on stdout.")
def budget(*, tier: Literal["auto", "free", "paid"], as_json: bool) -> None:
    """How many calls are left in the window, and who shares them. Sends nothing.

    \b
    Examples:
      socialframe budget
      socialframe budget --tier paid --json
    """  # noqa: D301 - \b tells click to keep the lines
    from socialframe.client import Client

    with sentences(), Client(tier=tier) as api:
        now = api.budget
        click.echo(json.dumps(asdict(now)) if as_json else str(now))


main.add_command(cache)
main.add_command(walks)


@main.command()
def demo() -> None:
    """Run the main job on made-up data: no key, no network.

    Fetches accounts and posts from the sandbox in this process, answers a question with pandas,
    and writes every post to ./socialframe-demo.parquet.

    \b
    Examples:
      socialframe demo
      socialframe demo && duckdb -c "FROM 'socialframe-demo.parquet'"
    """  # noqa: D301 - \b tells click to keep the lines
    from socialframe.client import Client

    with sentences(), Client.sandbox() as api:
        _demo(api, Path(DEMO_FILE))


class _Switched(click.Command):
    """A command whose options are the sandbox's own, read when they are needed."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        from socialframe.cli.sandbox import options

        own = super().get_params(ctx)  # the last of them is --help
        return [*own[:-1], *options(), *own[-1:]]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from socialframe.cli.sandbox import EPILOG

        self.epilog = EPILOG
        super().format_epilog(ctx, formatter)


@main.command(cls=_Switched)
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--tier", default="paid", type=click.Choice(["free", "paid"]), help="Of its key.")
@click.option("--posts", type=int, help="How many posts, made on the fly; else the small world's.")
@click.option("--scenario", help="A bad day with a name, as flaky-evening: docs/scenarios.md.")
@click.option("--fault", multiple=True, help="What goes wrong, as status:503@3; several add up.")
@click.option("--log", metavar="FILE", help="Append each request to it, as a line of JSON.")
@click.option("--seed", default=0, help="What is made or goes wrong at random follows from it.")
@click.pass_context
def sandbox(context: click.Context, /, port: int, **given: object) -> None:
    """Serve the API in a box on 127.0.0.1: made-up people, real rules. Ctrl-C ends it.

    \b
    Examples:
      socialframe sandbox
      socialframe sandbox --tier free --paging cursor --scenario flaky-evening
    """  # noqa: D301 - \b tells click to keep the lines
    from socialframe.cli.sandbox import made, run

    # What was not said must not win over the scenario.
    default = click.core.ParameterSource.DEFAULT
    said = {n: v for n, v in given.items() if context.get_parameter_source(n) is not default}
    with sentences():
        box = made(said)
    run(box, port)


main.add_command(connect)
main.add_command(disconnect)


def _demo(api: Client, path: Path) -> None:
    import pandas as pd

    _say("This is the sandbox: everybody in it is made up. No key, no network.")
    _code("api = sf.Client.sandbox()", "api.accounts().frame().head()")
    accounts = api.accounts().frame()
    click.echo(accounts.head().to_string())
    _say(f"{len(accounts)} accounts on {accounts['platform'].nunique()} platforms.")

    _code("df = api.posts().frame()", f"df[{_SHOWN}].head()")
    posts = api.posts().frame(progress=sys.stderr is not None and sys.stderr.isatty())
    click.echo(posts[_SHOWN].head().to_string(max_colwidth=20))
    facts = posts.attrs["socialframe"]
    _say(f"{len(posts):,} posts came in {facts['pages']} calls. Their dtypes:")
    click.echo(posts.dtypes.to_string())

    _code(
        "numbers = api.analytics().explode('platforms').frame()",
        "numbers.groupby('target_platform')['target_engagement_rate'].mean()",
    )
    _answer(api.analytics().explode("platforms").frame())

    _code(f"api.posts().to_parquet({str(path)!r})", f"df = pd.read_parquet({str(path)!r})")
    api.posts().to_parquet(path)
    back = pd.read_parquet(path)
    _say(f"./{path}: {len(back):,} rows, one a post, {path.stat().st_size / 1e6:.1f} MB.")
    _code("df['status'].value_counts()")
    click.echo(back["status"].value_counts().to_string())
    _say("DuckDB, Polars and pyarrow read the same file:")
    click.echo(f"FROM '{path}' SELECT status, count(*) GROUP BY ALL;")
    _say("With a key of your own: sf.Client(), and everything else stays the same.")


def _answer(numbers: pd.DataFrame) -> None:
    known = numbers.dropna(subset=["target_engagement_rate"])
    rate = known["target_engagement_rate"]
    by_platform = rate.groupby(known["target_platform"]).mean().sort_values(ascending=False)
    by_day = rate.groupby(known["published_at"].dt.day_name()).mean().sort_values(ascending=False)
    click.echo(by_platform.round(2).to_string())
    _say(
        f"In the last 90 days {by_platform.index[0]} engaged best ({by_platform.iloc[0]:.1f} %), "
        f"and {by_day.index[0]} was the best day ({by_day.iloc[0]:.1f} %)."
    )


def _say(text: str) -> None:
    click.echo(f"\n{text}")


def _code(*lines: str) -> None:
    click.echo()
    for line in lines:
        click.secho(f">>> {line}", bold=True)
