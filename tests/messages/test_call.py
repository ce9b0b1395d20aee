"""The text of parameters."""

import datetime as dt
import enum
import json
from decimal import Decimal
from urllib.parse import parse_qsl
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from stand_ins import Scripted, client_of

import socialframe as sf
from socialframe.messages.call import Call
from socialframe.paging import Single

NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


class Kind(enum.Enum):
    """An enum of texts."""

    POST = "post"


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("a", ["a"]),
        (True, ["true"]),
        (1.5, ["1.5"]),
        ([1, None, "b"], ["1", "b"]),
        (None, []),
        (
            {"since": "2026-01-01", "n": [1, None, True]},
            ['{"since":"2026-01-01","n":[1,null,true]}'],
        ),
        ([{"a": 1}, {"b": {}}], ['[{"a":1},{"b":{}}]']),
        ([[1, 2], [3]], ["[[1,2],[3]]"]),
        ({"day": NOON.date(), "n": np.int64(3)}, ['{"day":"2026-01-31","n":3}']),
        (NOON, ["2026-01-31T12:00:00Z"]),
        (NOON.replace(tzinfo=None), ["2026-01-31T12:00:00"]),
        (pd.Timestamp(NOON), ["2026-01-31T12:00:00Z"]),
        (np.datetime64("2026-01-31"), ["2026-01-31"]),
        (NOON.date(), ["2026-01-31"]),
        (Decimal("1E+3"), ["1000"]),
        (UUID(int=1), ["00000000-0000-0000-0000-000000000001"]),
        (np.float64(1.5), ["1.5"]),
        (np.bool_(1), ["true"]),
        (Kind.POST, ["post"]),
    ],
)
def test_a_parameter_is_sent_as_its_obvious_text(value, texts):
    """Objects as JSON, dates as ISO 8601."""
    assert [text for _, text in Call.of("/x", {"p": value}).params] == texts


@pytest.mark.parametrize(
    "value",
    [
        {1},
        frozenset("a"),
        b"x",
        bytearray(b"x"),
        object(),
        (one for one in "a"),
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        pd.NaT,
        pd.NA,
        np.datetime64("NaT"),
        np.array([1, 2]),
        pd.Series([1]),
        dt.timedelta(1),
        Call,
        [1, {2}],
        {"a": {1}},
        {"a": b"x"},
        {1: "a"},
        [{"a": float("inf")}],
    ],
)
def test_a_parameter_without_an_obvious_text_is_refused_at_the_call(value):
    """The error names it and says what to pass; no request is sent."""
    app = Scripted({"rows": []})

    with pytest.raises(sf.ArgumentError, match=r"parameter 'range' cannot be sent.* Pass text"):
        client_of(app).fetch("/v1/rows", params={"range": value})

    assert app.seen == []


def test_an_object_arrives_as_json():
    """Percent-encoded once."""
    app = Scripted({"rows": [{"a": 1}]})
    span = {"since": "2026-01-01", "name": "ä & b"}

    client_of(app).fetch("/v1/rows", params={"range": span}, paging=Single()).frame()

    assert json.loads(dict(parse_qsl(app.seen[0]["query"]))["range"]) == span


def test_a_broken_walk_with_dates_and_objects_is_resumed_by_its_id():
    """Its parameters have the same text again."""
    answers = iter(
        [
            {"rows": [{"a": 1}], "page": 1, "pages": 2},
            (403, {}),
            {"rows": [{"a": 2}], "page": 2, "pages": 2},
        ]
    )
    app = Scripted(lambda _: next(answers))
    params = {"at": NOON, "n": Decimal("1.50"), "o": {"day": NOON.date()}}
    with pytest.raises(sf.IncompleteWalk) as caught:
        client_of(app).fetch("/v1/typed", records="rows", params=params).frame()

    frame = client_of(app).resume(caught.value.walk_id).frame()

    assert frame["a"].tolist() == [1, 2]


@pytest.mark.parametrize("body", [b'{"a":{"b":null},"c":[1]}'])
def test_a_parameter_of_a_body_is_a_dotted_path(body):
    """Missing and null objects are created; other parameters stay."""
    call = Call("/x", (("q", "1"),), method="POST", body=body)

    assert json.loads(call.with_param("a.b.d", "t").body) == {"a": {"b": {"d": "t"}}, "c": [1]}
    assert json.loads(call.with_param("new", 2).body)["new"] == 2
    assert call.with_param("new", 2).param("new") == "2"
    assert call.with_param("q", 2).params == (("q", "2"),)
    assert (call.param("q"), call.param("a"), call.param("a.b")) == ("1", None, None)
    with pytest.raises(sf.ArgumentError, match="no object for 'd'"):
        call.with_param("c.d", 1)
