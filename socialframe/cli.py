"""``socialframe``: the same from a shell."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from socialframe.errors import SocialFrameError
from socialframe.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from socialframe.client import Client

DEMO_FILE = "socialframe-demo.parquet"
_SHOWN = ["id", "status", "content", "published_at", "platforms"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, message="socialframe %(version)s")
def main() -> None:
    """Social posts and their numbers as DataFrames and Parquet files."""


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

    with _sentences(), Client.sandbox() as api:
        _demo(api, Path(DEMO_FILE))


@main.command()
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--tier", default="paid", type=click.Choice(["free", "paid"]), help="Of its key.")
@click.option(
    "--end-sign",
    default="pages",
    type=click.Choice(["pages", "hasMore"]),
    help="How lists say that they end.",
)
def sandbox(port: int, tier: str, end_sign: str) -> None:
    """Serve the API in a box on 127.0.0.1: made-up people, real rules. Ctrl-C ends it.

    \b
    Examples:
      socialframe sandbox
      socialframe sandbox --port 8080 --tier free
    """  # noqa: D301 - \b tells click to keep the lines
    from socialframe.sandbox import Sandbox

    box = Sandbox(tier=tier, end_sign=end_sign)  # type: ignore[arg-type]  # click checked them
    try:
        with box.serve(port=port) as url:
            click.echo(f"export SOCIALAPI_BASE_URL={url}\nexport SOCIALAPI_KEY={box.key}")
            click.echo("Made-up data. Ctrl-C ends it.", err=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("The sandbox is closed.", err=True)
    except OSError as error:
        raise click.ClickException(
            f"Port {port} cannot be used: {error.strerror or error}."
        ) from None


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


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn what can go wrong into one sentence and an exit code."""
    try:
        yield
    except SocialFrameError as error:
        raise click.ClickException(str(error)) from None
    except UnicodeEncodeError as error:
        text = f"The output's encoding ({error.encoding}) lacks some letters; PYTHONUTF8=1 has all."
        raise click.ClickException(text) from None
    except OSError as error:
        raise click.ClickException(f"Cannot write: {error.strerror or error}.") from None
