"""Each scenario through plain httpx, and its documentation."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from socialframe.cli.main import main
from socialframe.errors import ArgumentError
from socialframe.sandbox import SCENARIOS, Sandbox
from socialframe.sandbox.faults.faults import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "scenarios.md"
SPAN = {"limit": 100}


def ask(sandbox, transport=None, url="http://sandbox.example"):
    transport = transport or httpx.WSGITransport(app=sandbox)
    headers = {"Authorization": f"Bearer {sandbox.key}"}
    return httpx.Client(transport=transport, base_url=url, headers=headers, timeout=0.5)


@contextlib.contextmanager
def served(sandbox):
    with sandbox.serve() as url, ask(sandbox, httpx.HTTPTransport(), url) as api:
        yield api


def ids(reply):
    return [post["id"] for post in reply.json()["posts"]]


def stubborn(api, number):
    """Ask for a page until it comes; tell what came, and what came instead before."""
    failed = []
    while len(failed) < 6:
        try:
            reply = api.get("/v1/posts", params={**SPAN, "page": number})
            if reply.status_code == 200:
                return ids(reply), failed
            failed.append(reply.status_code)
        except (httpx.TransportError, ValueError) as error:
            failed.append(type(error).__name__)
    pytest.fail(f"page {number}: {failed}")


def walked(api):
    """Read pages until one is empty; tell the rows, and the failures of each page."""
    page, rows, failures = [None], [], []
    while page:
        page, failed = stubborn(api, len(failures) + 1)
        failures.append(failed)
        rows += page
    return rows, failures


def share(failures):
    """Tell which part of all calls failed."""
    failed = sum(map(len, failures))
    return failed / (failed + len(failures))


@pytest.fixture(scope="module")
def every():
    """Give the ids of all posts, in their order."""
    with ask(Sandbox(paging="none")) as api:
        return ids(api.get("/v1/posts"))


def test_each_scenario_makes_a_sandbox():
    """At least six; arguments override them; an unknown name is refused."""
    assert len(SCENARIOS) >= 6
    for name, scenario in SCENARIOS.items():
        assert Sandbox.scenario(name).faults == scenario.faults
    assert Sandbox.scenario("restart", faults=()).faults == ()
    with pytest.raises(
        ArgumentError, match="Unknown scenario 'nowhere'; the scenarios are flaky-evening"
    ):
        Sandbox.scenario("nowhere")


def test_flaky_evening(every):
    """About one call in six fails; retries return each row once."""
    with ask(Sandbox.scenario("flaky-evening")) as api:
        rows, failures = walked(api)

    assert rows == every
    assert set(itertools.chain(*failures)) == {429, 500, 502, 503, 504}
    assert max(map(len, failures)) == 2
    assert 1 / 7 < share(failures) < 1 / 5


def test_moving_list(every):
    """Some rows are returned twice, one is skipped, and new ones are first."""
    with ask(Sandbox.scenario("moving-list")) as api:
        rows, failures = walked(api)
        now = ids(api.get("/v1/posts", params=SPAN))

    assert not any(failures)
    assert len(rows) > len(set(rows))
    assert len(set(every) - set(rows)) == 2
    assert len(set(now) - set(every)) == 3


def test_lying_totals(every):
    """The first page reports fewer rows, the others more; all rows are returned."""
    with ask(Sandbox.scenario("lying-totals")) as api:
        told = [
            api.get("/v1/posts", params={**SPAN, "page": n}).json()["pagination"]["total"]
            for n in (1, 2, 3)
        ]
        rows, _ = walked(api)

    assert told == [len(every) - 3000, len(every) + 250, len(every) + 250]
    assert rows == every


def test_strict_gatekeeper():
    """Sixty calls, and no more in this minute."""
    sandbox = Sandbox.scenario("strict-gatekeeper", clock=lambda: 0.0, sleep=lambda _: None)
    with ask(sandbox) as api:
        statuses = [api.get("/v1/accounts").status_code for _ in range(61)]
        last = api.get("/v1/accounts")

    assert statuses == [200] * 60 + [429]
    assert last.headers["X-RateLimit-Limit"] == "60"
    assert last.headers["X-RateLimit-Remaining"] == "0"
    assert "Retry-After" in last.headers


def test_revoked_midway():
    """Nineteen pages, then 401 for each call."""
    with ask(Sandbox.scenario("revoked-midway")) as api:
        replies = [api.get("/v1/posts", params={**SPAN, "page": n}) for n in range(1, 23)]

    assert [reply.status_code for reply in replies] == [200] * 19 + [401] * 3
    assert replies[-1].json()["code"] == "AUTH_INVALID_KEY"


def test_circle_line():
    """The cursors lead to pages 1, 2, 3, 4, 3, 4 and so on."""
    pages, params = [], dict(SPAN)
    with ask(Sandbox.scenario("circle-line")) as api:
        for _ in range(9):
            reply = api.get("/v1/posts", params=params)
            pages.append(ids(reply))
            params["cursor"] = reply.json()["pagination"]["nextCursor"]

    assert pages[4] == pages[2] == pages[6]
    assert pages[5] == pages[3] == pages[7]
    assert len({tuple(page) for page in pages}) == 4


def test_elsewhere():
    """A next URL and a redirect name the reserved host, where no server listens."""
    with ask(Sandbox.scenario("elsewhere")) as api:
        links = [
            api.get("/v1/posts", params={**SPAN, "page": n}).links["next"]["url"]
            for n in range(1, 10)
        ]
        tenth = api.get("/v1/posts", params=SPAN)

    assert [httpx.URL(link).host for link in links].count("elsewhere.invalid") == 1
    assert httpx.URL(links[2]).host == "elsewhere.invalid"
    assert httpx.URL(tenth.headers["Location"]).host == "elsewhere.invalid"


@pytest.mark.sockets
def test_old_proxy(every):
    """HTML pages, empty and cut bodies; retries return each row once."""
    with served(Sandbox.scenario("old-proxy")) as api:
        rows, failures = walked(api)

    assert rows == every
    assert set(itertools.chain(*failures)) == {"JSONDecodeError", "RemoteProtocolError"}
    assert max(map(len, failures)) == 2
    assert 1 / 7 < share(failures) < 1 / 5


@pytest.mark.sockets
def test_slow_train(every):
    """Two calls time out; retries return each row once."""
    with served(Sandbox.scenario("slow-train", latency=0, jitter=0, long_tail=0)) as api:
        rows, failures = walked(api)

    assert rows == every
    assert [*itertools.chain(*failures)] == ["ReadTimeout", "ReadTimeout"]


@pytest.mark.sockets
def test_restart():
    """Two resets, and a server that is down for a second."""
    failures = []
    with served(Sandbox.scenario("restart")) as api:
        for number in range(1, 200):
            try:
                assert api.get("/v1/posts", params={"page": number}).status_code == 200
            except httpx.TransportError as error:
                failures.append(type(error).__name__)
        while True:
            with contextlib.suppress(httpx.TransportError):
                assert api.get("/v1/posts").status_code == 200
                break

    assert failures[:4] == ["ReadError", "ReadError", "ReadError", "ConnectError"]
    assert set(failures[4:]) <= {"ConnectError"}


@pytest.mark.processes
@pytest.mark.sockets
@pytest.mark.parametrize(
    ("options", "statuses"),
    [
        (["--fault", "status:503@2", "--fault", "status:502@3"], [200, 503, 502, 200]),
        (["--scenario", "revoked-midway", "--fault", "revoke@2"], [200, 401, 401, 401]),
        (["--scenario", "revoked-midway"], [200, 200, 200, 200]),
    ],
)
def test_the_command_has_faults_and_scenarios(options, statuses):
    """Other options override the scenario."""
    process = subprocess.Popen(
        [sys.executable, "-m", "socialframe", "sandbox", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        url, key = (process.stdout.readline().strip().partition("=")[2] for _ in range(2))
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as api:
            found = [api.get("/v1/accounts").status_code for _ in range(4)]
        process.terminate()

    assert found == statuses


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--fault", "status:404"],
            "status of a fault must be 429, 500, 502, 503 or 504;",
        ),
        (["--fault", "nothing"], "Unknown fault 'nothing'"),
        (["--scenario", "nowhere"], "Unknown scenario 'nowhere'"),
        (["--scenario", "circle-line", "--paging", "offset"], "'back' has no effect with this"),
    ],
)
def test_invalid_options_of_the_command_are_usage_errors(options, sentence):
    """No sandbox is started."""
    result = CliRunner().invoke(main, ["sandbox", *options])

    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())


def test_the_docs_page_has_every_scenario_and_fault():
    """With the same texts, in order."""
    text = PAGE.read_text(encoding="utf-8")
    told = []
    for name, scenario in SCENARIOS.items():
        choices = [f"{key}={value!r}" for key, value in scenario.choices.items()]
        parts = [f"`{part}`" for part in (*choices, *map(str, scenario.faults))]
        serve = " It needs a connection: serve it." if scenario.served else ""
        told.append(
            f"### {name}\n\n{scenario.story}{serve}\n\n"
            f"A good client ends with: {scenario.ends}\n\n{', '.join(parts)}\n"
        )
    rows = [
        f"| `{name}` | {kind.says} | "
        f"{', '.join(f'`{option}={value}`' for option, value in kind.options.items())} |"
        for name, kind in KINDS.items()
    ]

    assert "\n".join(told) in text
    assert text.count("### ") == len(SCENARIOS)
    assert "\n".join(rows) in text
