"""Walks of our client with every fault of the sandbox and every kind of paging.

Each ends with all rows, or with an error or a warning. ``SOCIALFRAME_STRESS=1`` tries every case
with every output, about 15 minutes; otherwise each fault meets some kinds of paging, at one place
each.
"""

import os
from dataclasses import replace

import pandas as pd
import pytest
from bad_days import (
    OLD,
    OUTPUTS,
    PLACES,
    SWITCHES,
    WalkResult,
    cases,
    column,
    in_process,
    judge,
    on_loopback,
)
from stand_ins import KEY

import socialframe as sf
from socialframe.sandbox import parse_fault
from socialframe.sandbox.faults.faults import KINDS

ALL = "SOCIALFRAME_STRESS" in os.environ

#: Families with different requests; the end sign does not matter to a connection.
SERVED = SWITCHES if ALL else [("page", "pages"), ("offset", "hasMore"), ("after_id", "short")]


def some(paging, sign, *, served):
    """Yield cases and outputs: all, or some faults, each at one place with one output.

    A fault that any paging can have meets a third of them.
    """
    for number, fault in enumerate(cases(paging, sign, served=served)):
        step = 1 if served or KINDS[fault.kind].needs else 3
        turn = number // len(PLACES) + SWITCHES.index((paging, sign))
        if ALL or (turn % step == 0 and number % len(PLACES) == turn // step % len(PLACES)):
            for output in OUTPUTS if ALL else [OUTPUTS[turn // step % len(OUTPUTS)]]:
                yield fault, output


@pytest.mark.parametrize(("paging", "sign"), SWITCHES)
def test_every_fault_of_a_response_ends_complete_or_with_a_message(paging, sign):
    """No missing or wrong rows without an error or a warning, except where no client can notice."""
    wrong = {}
    for fault, output in some(paging, sign, served=False):
        end = in_process(paging, sign, fault, output)
        if column(end, paging, sign, fault) == "wrong":
            wrong[f"{fault} {output}"] = end

    assert wrong == {}


@pytest.mark.sockets
@pytest.mark.parametrize(("paging", "sign"), SERVED)
def test_every_fault_of_the_connection_ends_complete_or_with_a_message(paging, sign):
    """Resets, stalls, cut bodies, a server that is down for a moment."""
    with on_loopback(paging, sign) as judge_walk:
        ends = {
            f"{fault} {output}": judge_walk(fault, output)
            for fault, output in some(paging, sign, served=True)
        }

    assert {case: end for case, end in ends.items() if end.startswith("wrong")} == {}


def test_every_kind_of_fault_is_tried():
    """With each of its options; each place and output occurs. A new kind is not forgotten."""

    def anywhere(fault):
        return replace(fault, page=None, at=None, times=None)

    every = [(*switch, served) for switch in SWITCHES for served in (False, True)]
    tried = [one for *switch, served in every for one in some(*switch, served=served)]
    faults = {fault for *switch, served in every for fault in cases(*switch, served=served)}

    assert {fault.kind for fault, _ in tried} == set(KINDS)
    assert {anywhere(fault) for fault, _ in tried} == {anywhere(fault) for fault in faults}
    assert {(fault.page, fault.at, fault.times) for fault, _ in tried} == {
        (fault.page, fault.at, fault.times) for fault in faults
    }
    assert {output for _, output in tried} == set(OUTPUTS)


@pytest.mark.parametrize(
    ("paging", "sign", "fault", "end"),
    [
        ("page", "hasMore", "delete@page=3@times=1", "wrong: 1 rows are missing without a warning"),
        ("page", "pages", "edit@page=3@times=1", "wrong: a row is outdated"),
        ("page", "pages", "delete@page=3@times=1", "short"),
        ("page", "pages", "insert@page=3@times=1", "complete"),
        ("page", "pages", "html@page=3@times=1", "error"),
        ("page", "total", "total:7", "warning"),
    ],
)
@pytest.mark.parametrize("output", OUTPUTS)
def test_the_judge_recognizes_each_end(paging, sign, fault, end, output):
    """It reports even what no client can notice, so the tests above can fail."""
    assert in_process(paging, sign, parse_fault(fault), output) == end


ROWS = pd.DataFrame({"id": ["a", "b"], "likes": [1, 2]})
ROWS.attrs["socialframe"] = {"complete": True}
FILE = {"posts.parquet": OLD}


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (WalkResult([ROWS], files=FILE), "complete"),
        (WalkResult([ROWS], [f"WalkWarning: {KEY}"], files=FILE), "a text has the key"),
        (WalkResult([ROWS], ["UserWarning: hm"], files=FILE), "another warning"),
        (WalkResult([ROWS], ["WalkWarning: hm"], files=FILE), "complete is True with"),
        (WalkResult([ROWS], files={**FILE, ".1.part": b""}), "files were left"),
        (WalkResult([ROWS], files={"posts.parquet": b""}), "the old file is replaced"),
        (WalkResult(error=ValueError(), files=FILE), "an unexpected error"),
        (WalkResult([ROWS], error=sf.ReplyError(), files=FILE), "an unexpected error"),
        (WalkResult([ROWS, ROWS], files=FILE), "a row was returned twice"),
        (WalkResult([ROWS.assign(id=["a", "c"])], files=FILE), "c does not exist"),
        (WalkResult([ROWS[:1]], files=FILE), "1 rows are missing without a warning"),
        (WalkResult([ROWS.assign(likes=[1, 3])], files=FILE), "a row is outdated"),
    ],
)
def test_the_judge_recognizes_each_broken_promise(found, verdict):
    """Otherwise it could not find one."""
    assert judge(found, "frame", KEY, ROWS, ROWS).startswith(
        ("wrong: " * (verdict != "complete")) + verdict
    )
