"""``socialframe demo``: the main job on the sandbox."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import pandas as pd

    from socialframe.client import Client

_FILE = "socialframe-demo.parquet"
_COLUMNS = ["id", "status", "content", "published_at", "platforms"]


@click.command()
def demo() -> None:
    """Run the main job on made-up data: no key, no network.

    Gets accounts and posts from a sandbox in this process, answers a question with pandas, and
    writes all posts to ./socialframe-demo.parquet.

    \b
    Examples:
      socialframe demo
      socialframe demo && duckdb -c "FROM 'socialframe-demo.parquet'"
    """
    from socialframe.client import Client

    with Client.sandbox() as api:
        _run(api, Path(_FILE))


def _run(api: Client, path: Path) -> None:
    import pandas as pd

    _say("This is the sandbox: all people in it are made up. No key, no network.")
    _show_code("api = sf.Client.sandbox()", "api.accounts().frame().head()")
    accounts = api.accounts().frame()
    click.echo(accounts.head().to_string())
    _say(f"{len(accounts)} accounts on {accounts['platform'].nunique()} platforms.")

    _show_code("df = api.posts().frame()", f"df[{_COLUMNS}].head()")
    posts = api.posts().frame(progress=sys.stderr is not None and sys.stderr.isatty())
    click.echo(posts[_COLUMNS].head().to_string(max_colwidth=20))
    pages = posts.attrs["socialframe"]["pages"]
    _say(f"{len(posts):,} posts in {pages} requests. Their dtypes:")
    click.echo(posts.dtypes.to_string())

    _show_code(
        "numbers = api.analytics().explode('platforms').frame()",
        "numbers.groupby('target_platform')['target_engagement_rate'].mean()",
    )
    _show_engagement(api.analytics().explode("platforms").frame())

    _show_code(f"api.posts().to_parquet({str(path)!r})", f"df = pd.read_parquet({str(path)!r})")
    api.posts().to_parquet(path)
    back = pd.read_parquet(path)
    _say(f"./{path}: {len(back):,} rows, one per post, {path.stat().st_size / 1e6:.1f} MB.")
    _show_code("df['status'].value_counts()")
    click.echo(back["status"].value_counts().to_string())
    _say("DuckDB, Polars and pyarrow read the same file:")
    click.echo(f"FROM '{path}' SELECT status, count(*) GROUP BY ALL;")
    _say("With your own key, use sf.Client(); the rest stays the same.")


def _show_engagement(numbers: pd.DataFrame) -> None:
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


def _show_code(*lines: str) -> None:
    click.echo()
    for line in lines:
        click.secho(f">>> {line}", bold=True)
