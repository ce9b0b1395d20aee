"""Days pass in the sandbox: posts come out, numbers grow, drafts change and vanish."""

import pytest

import socialframe as sf


@pytest.mark.parametrize("posts", [None, 300])
def test_a_day_brings_posts_numbers_edits_and_deletions(posts):
    """In the built-in world and in a generated one; the same in two sandboxes."""
    boxes = [sf.Sandbox(posts=posts), sf.Sandbox(posts=posts)]
    api = sf.Client.sandbox(boxes[0], cache=False)
    before = api.posts().frame().set_index("id")
    numbers = api.analytics(since="2026-09-01").frame().set_index("post_id")
    for box in boxes:
        box.move_on()
        box.move_on(days=2)
    after = api.posts().frame().set_index("id")
    later = api.analytics(since="2026-09-01").frame().set_index("post_id")

    assert len(after.index.difference(before.index)) == 9
    assert 1 <= len(before.index.difference(after.index)) <= 3
    kept = before.index.intersection(after.index)
    assert (before.loc[kept, "content"] != after.loc[kept, "content"]).sum() >= 1
    both = numbers.index.intersection(later.index)
    growth = later.loc[both, "likes"] - numbers.loc[both, "likes"]
    assert (growth.dropna() >= 0).all()
    assert (growth > 0).any()
    new = later.index.difference(numbers.index)
    assert later.loc[new, "likes"].max() > 0
    other = sf.Client.sandbox(boxes[1], cache=False).analytics(since="2026-09-01").frame()
    assert other["likes"].tolist() == later["likes"].tolist()
    sorted_by = api.fetch("/v1/analytics", records="posts", params={"sortBy": "likes"})
    assert posts or sorted_by.limit(5).frame()["analytics"].map(lambda one: one["likes"]).max() > 0


def test_days_must_be_a_positive_integer():
    """The error says so."""
    for days in (0, -1, 1.5, True, "1"):
        with pytest.raises(sf.ArgumentError, match="days"):
            sf.Sandbox().move_on(days)
