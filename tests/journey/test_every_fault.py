"""Our own client and every fault of the sandbox, by every way of paging: whole, or with a word.

``SOCIALFRAME_STRESS=1`` tries every case in every way, about 15 minutes; otherwise each kind of
fault meets each way of paging at some places of the list.
"""

import os

import pandas as pd
import pytest
from bad_days import (
    OLD,
    PLACES,
    SWITCHES,
    WAYS,
    Walked,
    cases,
    column,
    in_process,
    judged,
    on_loopback,
)
from stand_ins import KEY

import socialframe as sf
from socialframe.sandbox import parse_fault
from socialframe.sandbox.faults.faults import KINDS

ALL = "SOCIALFRAME_STRESS" in os.environ

#: Families that differ in what they ask for; the end sign does not matter to a connection.
LINES = SWITCHES if ALL else [("page", "pages"), ("offset", "hasMore"), ("after_id", "short")]


def some(paging, sign, *, served):
    """Yield cases and the way to walk; all of them, or of each kind one place and one way."""
    for number, fault in enumerate(cases(paging, sign, served=served)):
        turn = number // len(PLACES) + SWITCHES.index((paging, sign))
        if ALL or number % len(PLACES) == turn % len(PLACES):
            for way in WAYS if ALL else [WAYS[turn % len(WAYS)]]:
                yield fault, way


@pytest.mark.parametrize(("paging", "sign"), SWITCHES)
def test_every_fault_of_an_answer_ends_whole_or_with_a_word(paging, sign):
    """Never a short or a wrong frame in silence, but for what no client can see."""
    wrong = {}
    for fault, way in some(paging, sign, served=False):
        end = in_process(paging, sign, fault, way)
        if column(end, paging, sign, fault) == "wrong":
            wrong[f"{fault} {way}"] = end

    assert wrong == {}


@pytest.mark.sockets
@pytest.mark.parametrize(("paging", "sign"), LINES)
def test_every_fault_of_the_connection_ends_whole_or_with_a_word(paging, sign):
    """Resets, stalls, cut bodies, a server that is gone for a moment."""
    with on_loopback(paging, sign) as judge:
        ends = {
            f"{fault} {way}": judge(fault, way) for fault, way in some(paging, sign, served=True)
        }

    assert {case: end for case, end in ends.items() if end.startswith("wrong")} == {}


def test_every_kind_of_fault_is_tried():
    """A new one has to be, too."""
    tried = {
        fault.kind
        for paging, sign in SWITCHES
        for served in (False, True)
        for fault, _ in some(paging, sign, served=served)
    }

    assert tried == set(KINDS)


@pytest.mark.parametrize(
    ("paging", "sign", "fault", "end"),
    [
        ("page", "hasMore", "delete@page=3@times=1", "wrong: 1 rows are missing without a word"),
        ("page", "pages", "edit@page=3@times=1", "wrong: a row is not as it is now"),
        ("page", "pages", "delete@page=3@times=1", "short"),
        ("page", "pages", "insert@page=3@times=1", "whole"),
        ("page", "pages", "html@page=3@times=1", "error"),
        ("page", "total", "total:7", "word"),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_the_judge_knows_each_end(paging, sign, fault, end, way):
    """What no client can see is wrong; otherwise these tests could not fail."""
    assert in_process(paging, sign, parse_fault(fault), way) == end


ROWS = pd.DataFrame({"id": ["a", "b"], "likes": [1, 2]})
ROWS.attrs["socialframe"] = {"complete": True}
FILE = {"posts.parquet": OLD}


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Walked([ROWS], files=FILE), "whole"),
        (Walked(error=sf.SocialFrameError(f"no: {KEY}"), files=FILE), "the key stands in a text"),
        (Walked([ROWS], [f"WalkWarning: {KEY}"], files=FILE), "the key stands in a text"),
        (Walked([ROWS], ["UserWarning: hm"], files=FILE), "another warning"),
        (Walked([ROWS], ["WalkWarning: hm"], files=FILE), "complete is True with"),
        (Walked([ROWS], files={**FILE, ".1.part": b""}), "files were left"),
        (Walked([ROWS], files={"posts.parquet": b""}), "the old file is gone"),
        (Walked(error=ValueError(), files=FILE), "another error than is promised"),
        (Walked([ROWS], error=sf.ReplyError(), files=FILE), "another error than is promised"),
        (Walked([ROWS, ROWS], files=FILE), "a row came twice"),
        (Walked([ROWS.assign(id=["a", "c"])], files=FILE), "c never was"),
        (Walked([ROWS[:1]], files=FILE), "1 rows are missing without a word"),
        (Walked([ROWS.assign(likes=[1, 3])], files=FILE), "a row is not as it is now"),
    ],
)
def test_the_judge_knows_each_promise(found, says):
    """One that did not could not find it broken."""
    assert judged(found, "frame", KEY, ROWS, ROWS).startswith(
        ("wrong: " * (says != "whole")) + says
    )
