"""Several lists exploded one after the other."""

import json

import httpx
import pytest
from stand_ins import KEY, Scripted, column

import socialframe as sf
from socialframe.endpoint import endpoint
from socialframe.http.transport import Wiring

POSTS = [
    {
        "id": "a",
        "tags": ["x", "y"],
        "targets": [{"to": "p", "odd": 1, "errors": ["e", "f"]}, {"to": "q", "errors": []}],
        "new": 7,
    },
    {"id": "b", "tags": [], "targets": [{"to": "p", "errors": [5, "g"], "odd": 2}]},
    {"id": "c", "tags": ["z"], "targets": []},
]


class Own(sf.Client):
    """A client with a list inside a list."""

    @endpoint(
        "/v1/own",
        records="rows",
        columns=(
            column("id", "id"),
            column("tags", "list<string>", item="tag"),
            column(
                "targets",
                "list<struct>",
                item="target",
                fields=(column("to", "string"), column("errors", "list<string>", item="reason")),
            ),
        ),
        key="id",
    )
    def own(self):
        """Rows of our own."""
        return {}


def made_client():
    """Return a client of the rows."""
    wiring = Wiring(lambda: httpx.WSGITransport(app=Scripted({"rows": POSTS})))
    return Own(KEY, base_url="https://api.example", cache=False, wiring=wiring)


@pytest.fixture
def own():
    return made_client().own()


def test_two_lists_give_each_pair_of_their_entries(own):
    """An empty list is one entry of nulls."""
    rows = own.explode("targets").explode("tags").arrow().to_pylist()

    assert [(row["id"], row["target_to"], row["tag_position"], row["tag"]) for row in rows] == [
        ("a", "p", 0, "x"),
        ("a", "p", 1, "y"),
        ("a", "q", 0, "x"),
        ("a", "q", 1, "y"),
        ("b", "p", None, None),
        ("c", None, 0, "z"),
    ]
    extras = [row["_extra"] and json.loads(row["_extra"]) for row in rows]
    assert extras[:4] == [{"/targets/0/odd": 1, "/new": 7}] * 2 + [{"/new": 7}] * 2
    assert extras[4] == {"/targets/0/odd": 2, "/targets/0/errors/0": 5}


def test_a_list_in_an_entry_can_be_exploded(own):
    """The unknown values of other entries stay in their own rows."""
    rows = own.explode("targets").explode("target_errors").arrow().to_pylist()

    assert [(row["id"], row["target_position"], row["reason"]) for row in rows] == [
        ("a", 0, "e"),
        ("a", 0, "f"),
        ("a", 1, None),
        ("b", 0, None),
        ("b", 0, "g"),
        ("c", None, None),
    ]
    assert json.loads(rows[3]["_extra"]) == {"/targets/0/errors/0": 5, "/targets/0/odd": 2}
    assert json.loads(rows[4]["_extra"]) == {"/targets/0/odd": 2}


def test_the_order_of_explodes_does_not_change_the_rows():
    """Of the sandbox; the key has both positions."""
    posts = sf.Client.sandbox().posts(status="partial")
    one = posts.explode("platforms").explode("tags")
    other = posts.explode("tags").explode("platforms")

    names = ["id", "target_position", "tag_position"]
    left, right = (query.frame().sort_values(names) for query in (one, other))
    assert left[[*names, "tag"]].values.tolist() == right[[*names, "tag"]].values.tolist()
    assert not left.duplicated(names).any()
    assert list(one.frame().columns) == one.columns.names
    assert "explode('platforms').explode('tags')" in repr(one)


def test_the_drift_of_a_frame_exploded_twice_is_that_of_its_records(own):
    """Each field once."""
    api = sf.Client.sandbox(sf.Sandbox(extra_fields=True))
    posts = api.posts(status="draft")
    whole, twice = (
        sf.drift(posts.frame()),
        sf.drift(posts.explode("platforms").explode("tags").frame()),
    )

    assert set(twice["pointer"]) == set(whole["pointer"])


def test_the_same_list_is_exploded_once(own):
    """The error names the lists that are left."""
    with pytest.raises(sf.ArgumentError, match="the list columns are tags, target_errors"):
        own.explode("targets").explode("targets")
