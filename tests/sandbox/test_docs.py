"""docs/sandbox.md and the command match the sandbox."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

import socialframe as sf
from socialframe.cli.main import main
from socialframe.cli.sandbox import build_sandbox
from socialframe.sandbox import PAGINGS, Switches
from socialframe.sandbox.faults.faults import KINDS, STATUSES

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def test_the_page_has_every_switch_with_its_default():
    """No other, in order."""
    rows = re.findall(r"^\| `(\w+)` \| `([^|]*)` \| ([^|]*) \|$", PAGE, re.MULTILINE)

    assert [(name, default) for name, default, _ in rows] == [
        (one.name, repr(one.default)) for one in fields(Switches)
    ]
    for one, (_, _, says) in zip(fields(Switches), rows, strict=True):
        assert says.startswith(one.metadata["help"])
        assert re.findall("`(.*?)`", says) == [str(choice) for choice in one.metadata["choices"]]


def test_the_page_has_every_paging_family():
    """With its end signs, the default first."""
    for name, signs in PAGINGS.items():
        assert f"| `{name}` | {', '.join(f'`{sign}`' for sign in signs)} |" in PAGE


def told(text):
    """Read the names in a cell; ``.limit`` goes on from the name before the dot."""
    names = set()
    before = ""
    for name in re.findall(r"`([A-Za-z.]+)`", text):
        before = name.partition(".")[0] if name[0] != "." else before
        names.add(f"{before}{name}" if name[0] == "." else name)
    return names


@pytest.mark.parametrize(("paging", "sign"), [(p, s) for p, some in PAGINGS.items() for s in some])
def test_the_page_has_the_parameters_and_fields_of_every_paging_family(paging, sign):
    """Every field in a response is named, and every named parameter is read."""
    ((asked, says),) = re.findall(
        rf"^\| `{paging}` \| [^|]+ \| (.*) \| (.*) \|$", PAGE, re.MULTILINE
    )
    sandbox = sf.Sandbox(paging=paging, end_sign=sign)
    transport = httpx.WSGITransport(app=sandbox)
    headers = {"Authorization": f"Bearer {sandbox.key}"}
    with httpx.Client(transport=transport, base_url="http://a", headers=headers) as client:
        reply = client.get("/v1/posts")
        wrong = {
            name: client.get("/v1/posts", params={name: "?"}).status_code
            for name in ("page", "offset", "cursor", "after", "limit")
        }
    found = {
        f"{part}.{name}"
        for part, members in reply.json().items()
        if part != "posts"
        for name in members
    } | ({"Link"} & {name.title() for name in reply.headers})

    assert found <= told(says)
    assert {name for name, status in wrong.items() if status == 400} == told(asked)


def test_the_page_of_scenarios_has_the_required_paging_of_each_fault():
    """As in the table of kinds."""
    page = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")
    table = page.partition("needs `paging`")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| (.*) \|$", table, re.MULTILINE)
    needs = {
        (fault, paging, sign)
        for kinds, ways in rows
        for fault in re.findall("`(.+?)`", kinds)
        for paging, some in re.findall(r"`(\w+)`(?: \((.+?)\))?", ways)
        for sign in re.findall("`(.+?)`", some) or PAGINGS[paging]
    }

    assert needs == {
        (kind, paging, sign)
        for kind, about in KINDS.items()
        if about.needs
        for paging, signs in PAGINGS.items()
        for sign in signs
        if about.needs(paging, sign)
    }
    assert f"`status` takes {', '.join(map(str, STATUSES[:-1]))} and {STATUSES[-1]};" in page


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
def test_command_options_configure_the_sandbox(said, changed):
    """Options that are absent override nothing."""
    assert changed in repr(build_sandbox(dict(said)))


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
def test_invalid_options_are_usage_errors(words):
    """One sentence, and no server."""
    result = CliRunner().invoke(main, ["sandbox", *words])

    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)


def test_two_sandboxes_in_one_process_are_independent():
    """Keys, changes and recorded requests."""
    one, other = sf.Sandbox(), sf.Sandbox(tier="free")
    apis = sf.Client.sandbox(one), sf.Client.sandbox(other)

    apis[0].accounts().frame()
    one.faults = [sf.sandbox.Fault("status", status=500)]

    assert one.key != other.key
    assert len(apis[1].accounts().frame()) == 17
    assert [len(box.requests) for box in (one, other)] == [1, 1]
