"""What docs/sandbox.md and the command tell of the sandbox is so."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

import socialframe as sf
from socialframe.cli import main
from socialframe.sandbox import PAGINGS, Switches
from socialframe.serving import made

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def test_the_page_has_every_switch_with_its_default():
    """And no other, in their order."""
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \| (.*) \|$", PAGE, re.MULTILINE)

    assert [(name, default) for name, default, _ in rows] == [
        (one.name, repr(one.default)) for one in fields(Switches)
    ]
    for one, (_, _, says) in zip(fields(Switches), rows, strict=True):
        assert says.startswith(one.metadata["help"])
        assert re.findall("`(.*?)`", says) == [str(choice) for choice in one.metadata["choices"]]


def test_the_page_has_every_way_of_paging():
    """With its end signs, the default first."""
    for name, signs in PAGINGS.items():
        assert f"| `{name}` | {', '.join(f'`{sign}`' for sign in signs)} |" in PAGE


def test_every_switch_is_an_option_of_the_command():
    """Of the same name."""
    shown = CliRunner().invoke(main, ["sandbox", "--help"]).output

    for one in fields(Switches):
        assert f"--{one.name.replace('_', '-')}" in shown


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        ({"paging": ("posts=cursor",)}, "paging={'posts': 'cursor'}"),
        ({"paging": ("cursor",), "end_sign": ("empty",)}, "paging='cursor', end_sign='empty'"),
        ({"create_status": "200", "page_cap": 7}, "page_cap=7, create_status=200"),
        ({"scenario": "old-proxy", "tier": "free"}, "tier='free'"),
        ({"posts": 9, "etag": True}, "posts=9, etag=True"),
    ],
    ids=str,
)  # fmt: skip
def test_options_make_the_sandbox_that_they_say(said, changed):
    """Those that were not said win over nothing."""
    assert changed in repr(made(dict(said)))


@pytest.mark.parametrize(
    "words",
    [
        ["--paging", "posts=cursor", "--paging", "page"],
        ["--paging", "accounts=cursor"],
        ["--scenario", "nope"],
        ["--fault", "nope"],
        ["--posts", "-1"],
        ["--window-seconds", "0"],
        ["--window", "nope"],
    ],
    ids=str,
)
def test_options_that_cannot_be_meant_are_usage_errors(words):
    """One sentence, and no server."""
    result = CliRunner().invoke(main, ["sandbox", *words])

    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)


def test_two_sandboxes_in_one_process_do_not_see_each_other():
    """Neither their keys, nor what is changed, nor what is asked."""
    one, other = sf.Sandbox(), sf.Sandbox(tier="free")
    apis = sf.Client.sandbox(one), sf.Client.sandbox(other)

    apis[0].accounts().frame()
    one.faults = [sf.sandbox.Fault("status", status=500)]

    assert one.key != other.key
    assert len(apis[1].accounts().frame()) == 17
    assert [len(box.requests) for box in (one, other)] == [1, 1]
