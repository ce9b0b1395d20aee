"""Type-checked and never run: valid calls, and invalid ones that must be type errors.

mypy reports an unused ignore, so each ignored line proves that the call is refused.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import assert_type

import pandas as pd
import pyarrow as pa  # noqa: TC002 - as users import it

import socialframe as sf
from socialframe.connect.requests import Account


def right(api: sf.Client) -> None:
    """Check the types of results."""
    assert_type(api, sf.Client)
    assert_type(sf.Client.sandbox(), sf.Client)
    assert_type(api.accounts(), sf.Query)
    assert_type(api.posts("published", since=dt.date(2026, 1, 1), per_page=50), sf.Query)
    assert_type(api.posts().frame(), pd.DataFrame)
    assert_type(api.posts().limit(5).explode("platforms").to_parquet("x.parquet"), Path)
    assert_type(sf.read_posts(client=api), pd.DataFrame)
    assert_type(api.posts().estimate().requests, int | None)
    assert_type(api.posts().frame(max_requests=10), pd.DataFrame)
    _: pa.Table = api.followers(["a", "b"]).arrow()
    for page in api.analytics(account_id="ig_1").pages():
        assert_type(page, pd.DataFrame)
    assert_type(api.connect("instagram", callback="paste", port=0, timeout=60), Account)
    api.connect("facebook", choose=lambda options: options[0])
    api.disconnect("instagram", "ig_1")
    sf.Client(tier=sf.Limit(10, 1.0), timeout=3, max_wait=0)
    sf.to_parquet(pd.DataFrame(), Path("x.parquet"))
    assert_type(sf.drift(pd.DataFrame(), columns=api.posts().columns), pd.DataFrame)
    assert_type(sf.provenance(pd.DataFrame()), str)


def wrong(api: sf.Client) -> None:
    """Check that invalid calls are refused."""
    api.posts(state="published")  # type: ignore[call-arg]
    api.posts(per_page="100")  # type: ignore[arg-type]
    api.posts(since=20260101)  # type: ignore[arg-type]
    api.accounts("instagram", "twitter")  # type: ignore[call-arg]
    api.health(platform="instagram")  # type: ignore[call-arg]
    sf.Client(tier="gold")  # type: ignore[arg-type]
    sf.Client(cache=[1])  # type: ignore[arg-type]
    api.connect("instagram", "paste")  # type: ignore[call-arg]
    api.disconnect("instagram")  # type: ignore[call-arg]
    api.posts().limit("5")  # type: ignore[arg-type]
    api.posts().frame(max_requests="5")  # type: ignore[arg-type]
    api.posts().nothing()  # type: ignore[attr-defined]
    sf.nothing  # type: ignore[attr-defined]  # noqa: B018 - the access is checked
    assert_type(sf.__version__, str)
