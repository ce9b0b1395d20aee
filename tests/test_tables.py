"""``sf.tables``: three frames that join."""

import socialframe as sf

KEY = ["post_id", "platform", "account_id"]


def test_the_three_frames_join_by_the_same_names():
    """Each target once; numbers belong to targets, targets to accounts with followers."""
    api = sf.Client.sandbox()
    targets, numbers, followers = sf.tables(api, since="2026-10-01", until="2026-11-20")

    assert not targets.duplicated(KEY).any()
    posts = api.posts(since="2026-10-01", until="2026-11-20").frame()
    assert len(targets) == sum(len(entry) for entry in posts["platforms"])
    joined = targets.merge(numbers, on=KEY, how="left", validate="1:1", indicator=True)
    recent = numbers["post_id"].isin(posts["id"])
    assert (joined["_merge"] == "both").sum() == recent.sum() > 0
    daily = followers.assign(day=followers["date"]).drop(columns="date")
    joined["day"] = joined["published_at"].dt.tz_localize(None).dt.normalize()
    reached = joined.merge(daily, on=["platform", "account_id", "day"], how="left", validate="m:1")
    assert reached["followers"].notna().any()
    assert str(numbers["likes"].dtype) == "Int64"
