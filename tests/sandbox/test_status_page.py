"""What a sandbox tells of itself: its live page and its request log, seen through plain httpx."""

from __future__ import annotations

import itertools
import json
import re
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from urllib.parse import quote

import httpx
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from socialframe.cli import main
from socialframe.errors import FileError
from socialframe.sandbox import Sandbox, Switches

BASE = "http://sandbox.example"
PAGE = "/_sandbox/"
HOSTILE = "<script>alert(1)</script>\"'&amp;\x00\x1b[2J\u202e \U0001f9d1\u200d\U0001f33e"
VOID = {"meta", "link"}


def stranger(sandbox, base=BASE, **headers):
    """Open a client without a key."""
    transport = httpx.WSGITransport(app=sandbox)
    return httpx.Client(transport=transport, base_url=base, headers=headers)


def friend(sandbox):
    return stranger(sandbox, Authorization=f"Bearer {sandbox.key}")


def raw(sandbox, path, query="", **environ):
    """Call a sandbox as a server does, with what no client would send; give status and body."""
    statuses = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, **environ}
    body = b"".join(sandbox.wsgi(environ, lambda status, _headers: statuses.append(status)))
    return int(statuses[0][:3]), body


class Read(HTMLParser):
    """A page as the stdlib reads it; whatever is not closed in its order is an error."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.texts, self.tables = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open
        assert text.isprintable() or not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in {"th", "td"}:
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)
        if {"th", "td"} & set(self.open):
            self.tables[-1][-1][-1] += data

    def all(self, tag, **wanted):
        return [a for name, a in self.tags if name == tag and wanted.items() <= a.items()]

    def table(self, *heads):
        (found,) = [table[1:] for table in self.tables if table[0] == list(heads)]
        return found

    @property
    def text(self):
        return " ".join("".join(self.texts).split())

    @property
    def requests(self):
        return self.table("Time (UTC)", "Method", "Path and query", "Status", "Milliseconds")


def page(sandbox, path=PAGE):
    """Read the live page; it must be a good one."""
    with stranger(sandbox) as client:
        reply = client.get(path)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    return Read(reply.text)


def good(read):
    """Check what holds for the page whatever is on it."""
    ids = [attrs["id"] for _, attrs in read.tags if "id" in attrs]
    labels = [attrs["aria-labelledby"] for _, attrs in read.tags if "aria-labelledby" in attrs]
    names = [name for name, _ in read.tags]
    assert read.all("html", lang="en")
    assert names.count("h1") == names.count("title") == names.count("main") == 1
    assert names.count("h2") == names.count("section") == len(ids) == len(set(ids)) == 6
    assert set(labels) == set(ids)
    assert names.count("caption") == names.count("table") == len(read.tables)
    assert {attrs["scope"] for attrs in read.all("th")} == {"col", "row"}
    assert not {"script", "img", "iframe", "form", "input", "style"} & set(names) - {"style"}
    addresses = {attrs[name] for _, attrs in read.tags for name in ("href", "src") if name in attrs}
    assert addresses <= {"?", "?every=5", "data:,", "/openapi.json"}
    assert not [name for _, attrs in read.tags for name in attrs if name.startswith("on")]
    return read


@pytest.mark.parametrize("path", [PAGE, PAGE[:-1]])
def test_the_page_needs_no_key_and_costs_no_call(path):
    """Looking at it a hundred times leaves the whole budget, and says what is left of it."""
    sandbox = Sandbox(tier="free", clock=lambda: 7.0)
    for _ in range(100):
        good(page(sandbox, path))
    before = page(sandbox, path).text
    with friend(sandbox) as client:
        half = [client.get("/v1/accounts").status_code for _ in range(59)]
        during = page(sandbox, path)
        assert client.get("/v1/accounts").status_code == 200
        assert client.get("/v1/accounts").status_code == 429
    after = page(sandbox, path)

    assert half == [200] * 59
    assert "made-up" in before
    assert "Tier: free. Calls: 0 of 60 in the last 60 s." in before
    assert "Tier: free. Calls: 59 of 60 in the last 60 s." in during.text
    assert "next call" not in during.text
    assert "60 of 60 in the last 60 s. The next call is let in after 60 s." in after.text
    (meter,) = after.all("meter")
    assert (meter["min"], meter["max"], meter["value"]) == ("0", "60", "60")


def test_the_budget_comes_back_on_the_page():
    """A call that left the window is not on it, though no other call came since."""
    now = [0.0]
    sandbox = Sandbox(clock=lambda: now[0], window_seconds=2.5)
    with friend(sandbox) as client:
        client.get("/v1/accounts")
        now[0] = 2.4
        late = page(sandbox).text
        now[0] = 2.5

    assert "1 of 600 in the last 2.5 s" in late
    assert "0 of 600 in the last 2.5 s" in page(sandbox).text


def test_headers_let_nothing_in_and_nothing_stay():
    """No script, no other file, no frame, no form, no copy; and the data say that they are made up.

    Whatever the switches say of the API's own answers.
    """
    with stranger(Sandbox(cache_control="public, max-age=60")) as client:
        headers = client.get(PAGE).headers

    assert headers["X-Sandbox"] == "made-up data"
    assert headers["Cache-Control"] == "no-store"
    policy = headers["Content-Security-Policy"].split("; ")
    assert policy[:2] == ["default-src 'none'", "style-src 'unsafe-inline'"]
    assert {"form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'"} == set(policy[2:])
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_it_is_read_out_in_peace_unless_asked():
    """The page renews itself only where the address says so; there is a link for either."""
    still, moving = page(Sandbox()), good(page(Sandbox(), f"{PAGE}?every=5"))

    assert not still.all("meta", **{"http-equiv": "refresh"})
    assert still.all("a", href="?every=5")
    assert moving.all("meta", **{"http-equiv": "refresh", "content": "5"})
    assert moving.all("a", href="?")
    assert not page(Sandbox(), f"{PAGE}?every=0").all("meta", **{"http-equiv": "refresh"})


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_can_be_read_in_light_and_dark():
    """Every colour of text has a contrast of 4.5 (WCAG AA) or more to what lies behind it."""
    with stranger(Sandbox()) as client:
        text = client.get(PAGE).text
    light, dark = (
        dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block))
        for block in text.split("prefers-color-scheme: dark")
    )

    assert light.keys() == dark.keys()
    for colours in (light, dark):
        for front, behind in (
            ("ink", "paper"),
            ("quiet", "paper"),
            ("link", "paper"),
            ("ink", "note"),
        ):
            low, high = sorted(luminance(colours[name]) for name in (front, behind))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (front, behind)


def test_the_page_says_how_to_reach_the_sandbox_without_its_key():
    """Base URL and shell lines are those of this sandbox; no part of the key is on the page."""
    sandbox = Sandbox()
    with friend(sandbox) as client:
        client.get(f"/v1/posts/{sandbox.key}?x={sandbox.key}")
        text = client.get(PAGE).text

    assert f"export SOCIALAPI_BASE_URL={BASE}\n" in text
    assert "export SOCIALAPI_KEY=&#x27;paste the key here&#x27;" in text
    assert sandbox.key[-4:] not in text


def test_accounts_and_posts_are_those_of_the_moment():
    """What was connected, created or removed since shows; statuses are counted."""
    sandbox = Sandbox()
    with friend(sandbox) as client:
        total = client.get("/v1/posts?limit=1").json()["pagination"]["total"]
        drafts = client.get("/v1/posts?limit=1&status=draft").json()["pagination"]["total"]
        listed = client.get("/v1/posts").json()["posts"]
        health = client.get("/v1/accounts/health").json()["accounts"]
        before = good(page(sandbox))
        client.delete("/v1/accounts/tiktok/tt_40311")
    sandbox.state.change(
        lambda world: world.with_post({"id": "post_new", "status": "odd", "platforms": []})
    )
    after = page(sandbox)

    heads = ("Platform", "Username", "Account id", "Health")
    keys = ("platform", "username", "accountId", "health")
    assert before.table(*heads) == [[one[key] for key in keys] for one in health]
    assert len(after.table(*heads)) == len(health) - 1
    assert f"{total:,} posts by status" in before.text
    assert ["draft", f"{drafts:,}"] in before.table("Status", "Posts")
    assert "any other" not in before.text
    assert ["any other", "1"] in after.table("Status", "Posts")
    newest = ("Id", "Created", "Status", "Platforms", "Text")
    assert [row[0] for row in before.table(*newest)] == [post["id"] for post in listed]
    assert [row[:3] for row in before.table(*newest)] == [
        [post["id"], post["createdAt"], post["status"]] for post in listed
    ]
    assert after.table(*newest)[0] == ["post_new", "", "odd", "", ""]


def test_switches_that_differ_stand_out_and_all_are_there():
    """With their help; folded away where nothing of it is needed."""
    plain, changed = page(Sandbox()), good(page(Sandbox(etag=True, window="fixed", page_cap=3)))
    heads = ("Switch", "Is", "What it says")
    some, every = [table[1:] for table in changed.tables if table[0] == list(heads)]

    assert "All are as they are by default" in plain.text
    assert [row[0] for row in plain.table(*heads)] == list(Switches.__dataclass_fields__)
    assert [row[:2] for row in some] == [["page_cap", "3"], ["window", "fixed"], ["etag", "True"]]
    assert all(row in every for row in some)
    assert ["page_cap", "3", "Rows on a page at most, whatever was asked for."] in every
    assert len(changed.all("details")) == 1
    assert "0 of 600 (fixed, 60 s)" in changed.text


def test_the_last_requests_are_listed_newest_first():
    """Twenty of them, without the page's own; nothing that is secret."""
    walls = itertools.count(1_795_000_000.25)
    sandbox = Sandbox(wall=lambda: next(walls))
    assert "There were none so far" in good(page(sandbox)).text
    with friend(sandbox) as client:
        for number in range(25):
            client.get(f"/v1/posts?page={number}&code=s3cret")
        client.post("/nowhere")
    with stranger(sandbox) as client:
        client.get("/v1/accounts")
    page(sandbox)
    rows = good(page(sandbox)).requests

    assert len(rows) == 20
    assert [row[1:4] for row in rows[:3]] == [
        ["GET", "/v1/accounts", "401"],
        ["POST", "/nowhere", "404"],
        ["GET", "/v1/posts?page=24&code=[withheld]", "200"],
    ]
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d\.250", row[0]) for row in rows)
    assert all(re.fullmatch(r"\d+\.\d", row[4]) for row in rows)
    assert PAGE in [one.path for one in sandbox.requests]


def test_hostile_texts_stay_texts_after_ten_thousand_requests():
    """Ten thousand requests are remembered and no more; the page is good, and not longer."""
    sandbox = Sandbox()
    account = {"platform": HOSTILE, "accountId": HOSTILE, "username": "\ud800" + HOSTILE * 500}
    post = {"id": HOSTILE, "status": HOSTILE, "platforms": [{"platform": HOSTILE}]}
    sandbox.state.change(
        lambda world: world.with_post({**post, "content": HOSTILE * 500}).with_account(
            {**account, "connectedAt": ""}, {**account, "health": HOSTILE}
        )
    )
    for number in range(10_050):
        raw(sandbox, f"/{number}/{HOSTILE}", HOSTILE * 20, HTTP_HOST="x")
    read = good(page(sandbox))

    assert len(sandbox.requests) == 10_000
    assert sandbox.requests[-1].number == 10_051
    assert "10049" in read.requests[0][2]
    assert "<script>alert(1)</script>" in read.requests[0][2]
    assert len(read.requests) == 20
    assert max(len(cell) for table in read.tables for row in table for cell in row) <= 160
    assert "\U0001f9d1\u200d\U0001f33e" in read.text
    assert not re.search("[\u202e\ud800]", read.text)


@pytest.mark.parametrize(
    ("base", "host", "status"),
    [
        ("http://127.0.0.1:8080", None, 200),
        ("http://localhost", None, 200),
        ("http://[::1]:8080", None, 200),
        ("https://api.example:8443", None, 200),
        ("http://127.0.0.1:8080", "LOCALHOST:1", 200),
        ("http://127.0.0.1:8080", "127.8.9.10:1", 200),
        ("http://127.0.0.1:8080", "rebound.example:8080", 403),
        ("http://127.0.0.1:8080", "127.0.0.1.rebound.example:8080", 403),
        ("http://127.0.0.1:8080", "localhost.rebound.example", 403),
        ("http://127.0.0.1:8080", "localhost@rebound.example", 403),
        ("http://127.0.0.1:8080", "rebound.example, localhost", 403),
        ("http://127.0.0.1:8080", "localhost\t", 403),
        ("http://127.0.0.1:8080", "", 403),
        ("http://api.example", "rebound.example", 403),
    ],
)
def test_only_this_machine_sees_the_page(base, host, status):
    """A name that another site gave to 127.0.0.1 (DNS rebinding) is refused, in one sentence."""
    headers = {} if host is None else {"Host": host}
    sandbox = Sandbox()
    with stranger(sandbox, base, **headers) as client:
        reply = client.get(PAGE)

    assert reply.status_code == status
    if status == 403:
        assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert reply.text == (
            "This page is for the machine that it runs on: open it as 127.0.0.1 or localhost.\n"
        )


@pytest.mark.sockets
def test_over_a_socket_every_other_host_is_refused():
    """Also the server's own made-up name, and no name at all."""
    with Sandbox().serve() as url, httpx.Client(base_url=url) as client:
        port = client.base_url.port
        hosts = (f"127.0.0.1:{port}", f"localhost:{port}", "rebound.example", "socialframe-sandbox")
        hosts = (*hosts, f"socialframe-sandbox:{port}")
        replies = [client.get(PAGE, headers={"Host": host}) for host in hosts]

    assert [reply.status_code for reply in replies] == [200, 200, 403, 403, 403]
    assert f"export SOCIALAPI_BASE_URL=http://localhost:{port}\n" in replies[1].text


ODD = st.text(max_size=40) | st.sampled_from([HOSTILE, "\xff", "%ff%00", "a=" * 30, "//", "%"])


@settings(max_examples=300, deadline=None)
@given(
    path=st.sampled_from([PAGE, PAGE[:-1], "/v1/posts"]) | ODD,
    query=ODD | st.sampled_from(["every=5", "every=%ff", "every=5&every=6"]),
    host=ODD | st.sampled_from(["localhost", "127.0.0.1:99999", "[::1", ":", "a b:c"]),
    server=st.booleans(),
)
def test_no_request_breaks_the_page(path, query, host, server):
    """Whatever path, query and Host are, there is an answer, and the page after it is good."""
    sandbox = SHARED
    names = {"SERVER_SOFTWARE": "any"} if server else {"SERVER_NAME": host}
    status, body = raw(sandbox, path, query, HTTP_HOST=host, **names)
    after, text = raw(sandbox, PAGE, HTTP_HOST="localhost")

    assert status in {200, 400, 401, 403}
    assert b"Traceback" not in body
    if status == 200:
        Read(body.decode())
    assert after == 200
    good(Read(text.decode()))


SHARED = Sandbox()


def lines(path):
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def test_each_request_is_a_line_of_the_log_at_once(tmp_path):
    """The same that `requests` tells: when, what, how long, how much, and how the key was."""
    ticks, log = itertools.count(), tmp_path / "log.jsonl"
    sandbox = Sandbox(log=log, wall=lambda: 1_795_000_000.125, clock=lambda: float(next(ticks)))
    assert log.read_bytes() == b""
    with friend(sandbox) as client:
        sizes = [len(client.get("/v1/posts?limit=2&state=own7").content)]
        assert len(lines(log)) == 1
        sizes.append(len(client.get("/n茶where%0A", headers={"Authorization": "Bearer x"}).content))
        assert len(lines(log)) == 2
    with stranger(sandbox) as client:
        sizes.append(len(client.head("/v1/accounts").content))
    told = lines(log)

    assert told == [one._asdict() for one in sandbox.requests]
    assert [one["bytes"] for one in told] == sizes
    assert all(one.pop("seconds") >= 1 for one in told)
    assert all(one.pop("bytes") is not None for one in told)
    assert told[0] == {
        "method": "GET",
        "path": "/v1/posts",
        "query": "limit=2&state=[withheld]",
        "status": 200,
        "number": 1,
        "moment": "2026-11-18T11:06:40.125Z",
        "fault": None,
        "key": "right",
    }
    assert [(one["number"], one["status"], one["key"]) for one in told[1:]] == [
        (2, 401, "wrong"),
        (3, 401, "missing"),
    ]
    assert told[1]["path"] == "/n茶where\n"


def test_the_log_is_its_owner_s_and_goes_on(tmp_path):
    """A new file can be read by its owner alone, is appended to, and may be moved away."""
    log, moved = tmp_path / "log.jsonl", tmp_path / "old.jsonl"
    for _ in range(2):
        with stranger(Sandbox(log=str(log))) as client:
            client.get("/v1/posts")
    first = lines(log)
    log.rename(moved)
    with stranger(Sandbox(log=log)) as client:
        client.get("/v1/posts")
        log.unlink()
        client.get("/v1/accounts")

    assert [one["number"] for one in first] == [1, 1]
    assert stat.S_IMODE(moved.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert [one["path"] for one in lines(log)] == ["/v1/accounts"]


def test_the_log_stays_where_it_was(tmp_path, monkeypatch):
    """A path is read where the sandbox is made, ``~`` as the home folder."""
    (tmp_path / "later").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    sandboxes = Sandbox(log="here.jsonl"), Sandbox(log="~/home.jsonl")
    monkeypatch.chdir("later")
    for sandbox in sandboxes:
        raw(sandbox, "/v1/posts")

    assert len(lines(tmp_path / "here.jsonl")) == len(lines(tmp_path / "home.jsonl")) == 1


def test_a_key_of_any_form_is_withheld():
    """Also one that a person chose, in the path and in the query, plain or encoded."""
    sandbox = Sandbox(key="o p e n")
    for path, query in (("/v1/o p e n", ""), ("/v1/posts", "key=o%20p%20e%20n")):
        raw(sandbox, path, query)

    assert [one[1:3] for one in sandbox.requests] == [
        ("[withheld]", ""),
        ("/v1/posts", "[withheld]"),
    ]


def test_nothing_secret_is_told(tmp_path):
    """No key, the right or a real one, no code, no state, no header is in log, list or page."""
    log = tmp_path / "log.jsonl"
    sandbox = Sandbox(log=log)
    real = "sk_" + "r34l" * 8
    with friend(sandbox) as client:
        client.get(f"/v1/posts?api_key={sandbox.key}")
        client.get(f"/v1/posts/{sandbox.key}")
        client.get(f"/v1/posts?api_key={real}&page=2")
        client.get(f"/{real}", headers={"Authorization": f"Token {real}", "Cookie": "c00kie"})
        client.get("/v1/posts?c%6Fde=c0de&state=st4te&tempToken=t0ken&request=r3quest")
        client.post("/v1/connect/tiktok", json={"code": "c0de", "redirect_url": BASE})
        client.get("/v1/posts?q=task_long_and_full_of_words_and_of_digits")
        text = client.get(PAGE).text

    told = text + log.read_text() + repr(sandbox.requests) + repr(sandbox)
    for secret in (sandbox.key, real, "Bearer", "c00kie", "c0de", "st4te", "t0ken", "r3quest"):
        assert secret not in told
    assert sandbox.requests[-2].query == "q=task_long_and_full_of_words_and_of_digits"


@pytest.mark.parametrize("name", [".", "no/log", "x\0y", "n" * 300, 7, object(), "pipe", ""])
def test_a_log_that_cannot_be_is_refused_at_once(name, tmp_path, monkeypatch):
    """By one sentence, when the sandbox is made; a pipe that nobody reads holds nothing up."""
    monkeypatch.chdir(tmp_path)
    subprocess.run(["mkfifo", "pipe"], check=True)

    with pytest.raises(FileError, match=r"^The request log cannot be written to .*: .*\.$"):
        Sandbox(log=name)


def test_a_full_disk_breaks_no_answer(caplog):
    """The requests are kept and answered; what is wrong is said once."""
    sandbox = Sandbox(log="/dev/full")
    with friend(sandbox) as client:
        statuses = [client.get("/v1/accounts").status_code for _ in range(3)]

    assert statuses == [200] * 3
    assert len(sandbox.requests) == 3
    assert caplog.messages == ["The request log cannot be written: No space left on device."]


TORN = """
import resource, signal, sys
from pathlib import Path
from socialframe.sandbox import Sandbox
log = Path(sys.argv[1])
sandbox = Sandbox(log=log)
def ask():
    status = []
    sandbox.wsgi({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, lambda said, _: status.append(said))
    assert status == ["401 UNAUTHORIZED"], status
ask()
full, hard = log.stat().st_size + 20, resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (full, hard))
ask(), ask()
assert log.stat().st_size == full
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
ask(), ask()
"""


@pytest.mark.processes
def test_a_torn_line_spoils_no_other(tmp_path):
    """Where the room ends within a line, the next one that has room begins anew."""
    log = tmp_path / "log.jsonl"
    done = subprocess.run([sys.executable, "-c", TORN, log], check=False, capture_output=True)

    assert done.returncode == 0, done.stderr.decode()
    first, torn, *rest = log.read_text().splitlines()
    assert json.loads(first)["number"] == 1
    assert len(torn) == 20
    assert [json.loads(line)["number"] for line in rest] == [4, 5]


def test_lines_of_many_threads_stay_whole_and_in_order(tmp_path):
    """Numbers count up by one, and each line is an object."""
    log, go = tmp_path / "log.jsonl", threading.Barrier(8)
    sandbox = Sandbox(log=log)

    def work(_):
        go.wait()
        return [raw(sandbox, "/v1/posts", "x" * 5000)[0] for _ in range(40)]

    with ThreadPoolExecutor(8) as pool:
        statuses = [status for some in pool.map(work, range(8)) for status in some]

    assert statuses == [401] * 320
    assert [one["number"] for one in lines(log)] == list(range(1, 321))


@pytest.mark.processes
@pytest.mark.sockets
def test_the_command_writes_the_log_and_names_the_page(tmp_path):
    """``socialframe sandbox --log`` appends what was asked; the page's address is said."""
    log = tmp_path / "log.jsonl"
    command = [sys.executable, "-m", "socialframe", "sandbox", "--log", log]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as process:
        url = process.stdout.readline().strip().partition("=")[2]
        process.stdout.readline()
        said = process.stderr.readline()
        status = httpx.get(f"{url}/_sandbox/").status_code
        process.terminate()

    assert status == 200
    assert f"{url}/_sandbox/" in said
    assert [one["path"] for one in lines(log)] == [PAGE]
    refused = CliRunner().invoke(main, ["sandbox", "--log", str(tmp_path)])
    assert refused.exit_code != 0
    assert "The request log cannot be written to" in refused.output


def test_what_is_kept_of_a_request_is_bounded(tmp_path):
    """Of a long path or query its beginning, and a mark."""
    file = tmp_path / "requests.jsonl"
    sandbox = Sandbox(log=file)
    raw(sandbox, "/v1/" + "p" * 100_000, "q=" + "x" * 1_000_000)
    raw(sandbox, "/v1/accounts", "a=b&code=" + "x" * 5000)

    long, short = sandbox.requests
    assert long.path == "/v1/" + "p" * 1996 + "[cut]"
    assert long.query == "q=" + "x" * 1998 + "[cut]"
    assert short.query == "a=b&code=[withheld]"
    assert len(file.read_bytes()) < 10_000


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://localhost:8000/back/s3cret?nonce=s3cret", "http%3A//localhost%3A8000[withheld]"),
        ("http://localhost:8000?s3cret", "http%3A//localhost%3A8000[withheld]"),
        ("http://user:s3cret@localhost/", "[withheld]"),
        ("s3cret", "[withheld]"),
    ],
)
def test_a_redirect_url_is_kept_as_its_host_alone(url, kept, tmp_path):
    """Its path and query may hold a secret of the app's; in the log, the list, and on the page."""
    file = tmp_path / "requests.jsonl"
    sandbox = Sandbox(log=file)
    raw(sandbox, "/v1/connect/tiktok", f"x=1&redirect%5Furl={quote(url, safe='')}&y=2")
    _, text = raw(sandbox, PAGE, HTTP_HOST="localhost")

    assert sandbox.requests[0].query == f"x=1&redirect%5Furl={kept}&y=2"
    assert "s3cret" not in file.read_text() + text.decode()


def test_nothing_of_a_callback_is_kept():
    """An app may lead it to the sandbox's own page, and tell its flows apart by a nonce."""
    sandbox = Sandbox()
    raw(sandbox, "/_sandbox/callback", "nonce=s3cret&code=x")

    assert sandbox.requests[0].query == "[withheld]"


def test_a_redirect_url_without_secrets_is_kept_as_it_is():
    """Nothing is withheld of a host."""
    sandbox = Sandbox()
    raw(sandbox, "/v1/connect/tiktok", "redirect_url=http://localhost:8000")

    assert sandbox.requests[0].query == "redirect_url=http://localhost:8000"


@pytest.mark.parametrize("host", ["a b", "a:b:c", "", "a:99999", "a/b", "u@a", "[x]"])
def test_a_host_that_is_none_is_refused(host):
    """No address for the next page could be made of it."""
    sandbox = Sandbox(key="sk_demo", paging="next_url")
    status, body = raw(
        sandbox, "/v1/posts", "", HTTP_HOST=host, HTTP_AUTHORIZATION="Bearer sk_demo"
    )

    assert status == 400
    assert json.loads(body)["code"] == "VALIDATION_ERROR"
