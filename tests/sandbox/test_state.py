"""The switches of the sandbox and its immutable world."""

from __future__ import annotations

from dataclasses import fields
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialframe.errors import ArgumentError
from socialframe.sandbox import Sandbox, Switches
from socialframe.sandbox.world.places import merge_places
from socialframe.sandbox.world.world import the_world


def test_every_switch_has_a_description():
    """The docstring has it too."""
    for one in fields(Switches):
        assert one.metadata["help"].endswith(".")
        assert f"{one.name}\n    {one.metadata['help']}\n" in Switches.__doc__


@pytest.mark.parametrize(
    "wrong",
    [
        {"create_status": 204},
        {"retry_after": "minutes"},
        {"page_cap": 0},
        {"page_cap": True},
        {"latency": -1},
        {"latency": "1"},
        {"window_seconds": 0},
        {"gzip": 1},
        {"cache_control": "a\nb"},
        *({"only_redirect": url} for url in ("nope", "", "ftp://a.example/", "http://a/#b", 1)),
        {"paging": {"posts": "pages"}},
        {"paging": {"accounts": "page"}},
        {"no_such": 1},
    ],
)
def test_an_invalid_switch_is_refused(wrong):
    """By one sentence that names it."""
    with pytest.raises(ArgumentError, match=next(iter(wrong)) + "|A list must be|end_sign"):
        Sandbox(**wrong)


@given(
    base=st.sets(st.integers(0, 60)),
    gone=st.sets(st.integers(0, 60)),
    new=st.sets(st.integers(-9, -1)),
    low=st.integers(-70, 80),
    high=st.integers(-70, 80),
)
def test_merged_positions_equal_sorted_positions(base, gone, new, low, high):
    """An edited post is a deleted one that is added again at its position."""
    edited = {place for place in gone if place % 2}
    expected = sorted((base - gone) | new | edited)

    merged = merge_places(sorted(base), sorted(new | edited), tuple(sorted(gone)))

    assert len(merged) == len(expected)
    assert list(merged[low:high]) == expected[low:high]
    assert list(merged) == expected


def test_changing_a_world_returns_a_new_one():
    """New posts are first, an edited one keeps its position, a deleted one is absent."""
    world = the_world()
    old = world.post(5)
    new = {**old, "id": "post_new", "createdAt": "2026-11-21T00:00:00Z"}

    changed = world.with_post(new).with_post({**old, "content": "other"})
    changed = changed.without_post(world.post(7)["id"])

    ids = [changed.post(place)["id"] for place in changed.select()[:9]]
    assert ids[0] == "post_new"
    assert ids[6] == old["id"]
    assert changed.post(5)["content"] == "other"
    assert world.post(7)["id"] not in ids
    assert changed.find(world.post(7)["id"]) is None
    assert len(changed.select()) == len(world.select()) == len(world.initial)
    assert changed.without_post("post_new").find("post_new") is None
    assert [*changed.select(first=date(2026, 11, 21))] == [-1]


def test_two_sandboxes_share_no_state():
    """A change in one does not affect the other."""
    one, other = Sandbox(), Sandbox()

    one.state.change(lambda world: world.without_account("tiktok", "tt_40311"))

    assert len(one.state.world.accounts) == len(other.state.world.accounts) - 1
