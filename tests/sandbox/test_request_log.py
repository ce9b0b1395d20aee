"""The request log of a sandbox: `requests`, the log file, and what is withheld from both."""

from __future__ import annotations

import itertools
import json
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import httpx
import pytest
from click.testing import CliRunner

from socialframe.cli.main import main
from socialframe.errors import FileError
from socialframe.sandbox import Sandbox

BASE = "http://sandbox.example"
PAGE = "/_sandbox/"


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


def lines(path):
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def test_each_request_is_logged_at_once(tmp_path):
    """Like in `requests`: time, request, duration, size and whether the key was valid."""
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


def test_the_log_is_private_and_appended_to(tmp_path):
    """The file may be moved away meanwhile."""
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


def test_the_log_path_is_resolved_when_the_sandbox_is_made(tmp_path, monkeypatch):
    """``~`` is the home folder."""
    (tmp_path / "later").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    sandboxes = Sandbox(log="here.jsonl"), Sandbox(log="~/home.jsonl")
    monkeypatch.chdir("later")
    for sandbox in sandboxes:
        raw(sandbox, "/v1/posts")

    assert len(lines(tmp_path / "here.jsonl")) == len(lines(tmp_path / "home.jsonl")) == 1


def test_keys_are_removed_from_paths_and_queries():
    """Also keys that the user chose, plain or encoded."""
    sandbox = Sandbox(key="o p e n")
    for path, query in (("/v1/o p e n", ""), ("/v1/posts", "key=o%20p%20e%20n")):
        raw(sandbox, path, query)

    assert [one[1:3] for one in sandbox.requests] == [
        ("[withheld]", ""),
        ("/v1/posts", "[withheld]"),
    ]


def test_log_list_and_page_have_no_secret(tmp_path):
    """No key, code, state or header."""
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
def test_an_invalid_log_path_is_refused(name, tmp_path, monkeypatch):
    """When the sandbox is made; a pipe without a reader does not block."""
    monkeypatch.chdir(tmp_path)
    subprocess.run(["mkfifo", "pipe"], check=True)

    with pytest.raises(FileError, match=r"^The request log cannot be written to .*: .*\.$"):
        Sandbox(log=name)


def test_a_full_disk_breaks_no_response(caplog):
    """Requests are recorded and answered; one warning reports the error."""
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
def test_a_truncated_line_damages_no_other(tmp_path):
    """If the disk is full within a line, the next line starts anew."""
    log = tmp_path / "log.jsonl"
    done = subprocess.run([sys.executable, "-c", TORN, log], check=False, capture_output=True)

    assert done.returncode == 0, done.stderr.decode()
    first, torn, *rest = log.read_text().splitlines()
    assert json.loads(first)["number"] == 1
    assert len(torn) == 20
    assert [json.loads(line)["number"] for line in rest] == [4, 5]


def test_lines_of_many_threads_are_complete_and_in_order(tmp_path):
    """Numbers increase by one, and each line is a JSON object."""
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
def test_the_command_writes_the_log_and_prints_the_status_url(tmp_path):
    """``socialframe sandbox --log`` appends the requests."""
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


def test_long_paths_and_queries_are_truncated(tmp_path):
    """With a mark at the end."""
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
def test_only_the_host_of_a_redirect_url_is_recorded(url, kept, tmp_path):
    """Its path and query may have a secret of the app."""
    file = tmp_path / "requests.jsonl"
    sandbox = Sandbox(log=file)
    raw(sandbox, "/v1/connect/tiktok", f"x=1&redirect%5Furl={quote(url, safe='')}&y=2")
    _, text = raw(sandbox, PAGE, HTTP_HOST="localhost")

    assert sandbox.requests[0].query == f"x=1&redirect%5Furl={kept}&y=2"
    assert "s3cret" not in file.read_text() + text.decode()


def test_the_path_and_query_of_a_callback_are_not_recorded():
    """An app may use the sandbox's own page with a nonce."""
    sandbox = Sandbox()
    raw(sandbox, "/_sandbox/callback", "nonce=s3cret&code=x")

    assert sandbox.requests[0].query == "[withheld]"


def test_a_redirect_url_without_path_is_recorded_unchanged():
    """It has no secrets."""
    sandbox = Sandbox()
    raw(sandbox, "/v1/connect/tiktok", "redirect_url=http://localhost:8000")

    assert sandbox.requests[0].query == "redirect_url=http://localhost:8000"


@pytest.mark.parametrize("host", ["a b", "a:b:c", "", "a:99999", "a/b", "u@a", "[x]"])
def test_an_invalid_host_header_is_refused(host):
    """The next URL could not be built."""
    sandbox = Sandbox(key="sk_demo", paging="next_url")
    status, body = raw(
        sandbox, "/v1/posts", "", HTTP_HOST=host, HTTP_AUTHORIZATION="Bearer sk_demo"
    )

    assert status == 400
    assert json.loads(body)["code"] == "VALIDATION_ERROR"
