"""Ctrl-C, SIGTERM and kill -9 while a file is written leave the old file or the complete new one.

``SOCIALFRAME_STRESS=20`` repeats each kill twenty times.
"""

import os
import random
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

import socialframe as sf

TIMES = int(os.environ.get("SOCIALFRAME_STRESS", "1"))
WRITE = """
import sys, socialframe as sf
api = sf.Client(sys.argv[1], base_url=sys.argv[2], tier="paid")
api.posts(per_page=25).to_parquet("posts.parquet")
"""


@pytest.fixture(scope="module")
def served():
    """Serve one sandbox whose rate limit is never reached."""
    sandbox = sf.Sandbox(window_seconds=0.01)
    with sandbox.serve() as url:
        yield sandbox, url


def wait_for_a_page(sandbox, process, number=3):
    """Wait until the process has asked for some pages, or ended."""
    seen, deadline = len(sandbox.requests), time.monotonic() + 30
    while len(sandbox.requests) < seen + number and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.processes
@pytest.mark.sockets
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("attempt", range(TIMES))
def test_a_stopped_process_leaves_the_old_or_the_complete_file(served, tmp_path, number, attempt):
    """At a random moment after the first byte was written."""
    sandbox, url = served
    target = tmp_path / "posts.parquet"
    old = pd.DataFrame({"id": ["old"]})
    old.to_parquet(target)
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE, sandbox.key, url], cwd=tmp_path, stderr=subprocess.PIPE
    )
    wait_for_a_page(sandbox, process)
    time.sleep(random.Random(attempt).uniform(0, 0.15))  # noqa: S311 - any moment is valid
    process.send_signal(number)
    process.communicate(timeout=30)

    ids = pd.read_parquet(target)["id"]
    assert ids.tolist() == ["old"] or ids.nunique() == len(ids) == 5400
    assert list(tmp_path.iterdir()) == [target]
    if number == signal.SIGINT:
        assert process.returncode in {0, -signal.SIGINT, 1}


WAIT = """
import sys, socialframe as sf
api = sf.Client(sys.argv[1], base_url=sys.argv[2], tier=sf.Limit(2, 60.0), progress=True)
print("started", flush=True)
api.posts(per_page=100).to_parquet("posts.parquet")
"""


@pytest.mark.processes
@pytest.mark.sockets
def test_ctrl_c_while_waiting_for_the_budget_returns_at_once(served, tmp_path):
    """The progress line shows the wait."""
    sandbox, url = served
    process = subprocess.Popen(
        [sys.executable, "-c", WAIT, sandbox.key, url],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    process.stdout.readline()
    shown, deadline = b"", time.monotonic() + 30
    while b"budget used, next call in" not in shown:
        assert time.monotonic() < deadline
        shown += process.stderr.read(64)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    process.communicate(timeout=30)

    assert time.monotonic() - began < 5
    assert list(tmp_path.iterdir()) == []


def start(folder, *words, **environ):
    """Start the command in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "socialframe", *words],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.processes
@pytest.mark.sockets
@pytest.mark.parametrize("output", [["-o", "posts.parquet"], ["--json"]])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_command_leaves_no_file_and_its_exit_code(tmp_path, number, output):
    """130 or 143; Ctrl-C says that the pages are kept."""
    box = sf.Sandbox(window_seconds=0.01, latency=0.02)
    with box.serve() as url:
        words = ["posts", "--tier", "paid", *output]
        process = start(tmp_path, *words, SOCIALAPI_KEY=box.key, SOCIALAPI_BASE_URL=url)
        wait_for_a_page(box, process)
        process.send_signal(number)
        rows, errors = process.communicate(timeout=30)

    assert process.returncode == 128 + number
    said = "Interrupted. The received pages are kept; to list them: socialframe walks ls"
    assert errors.strip() == (said if number == signal.SIGINT else "")
    assert rows == ""
    assert list(tmp_path.iterdir()) == []
    assert sf.walks()["state"].tolist() == ["interrupted"]


@pytest.mark.processes
@pytest.mark.parametrize("swallows", [False, True])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_an_import_is_the_exit_code(tmp_path, number, swallows):
    """Also if the imported module catches the exception."""
    wait = "print('ready', flush=True); time.sleep(30)"
    wait = f"try: {wait}\nexcept BaseException: pass\n" if swallows else wait
    (tmp_path / "dotenv.py").write_text(
        f"import time\n{wait}\ndotenv_values = lambda *_, **__: {{}}\n"
    )
    (tmp_path / ".env").touch()
    process = start(tmp_path, "posts", PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]))
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)

    assert process.returncode == 128 + number
    assert "Traceback" not in errors
    assert "Aborted" not in errors


IMPORTS = """
import importlib.abc, sys, threading


class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if threading.current_thread() is not threading.main_thread():
            print(name, threading.current_thread().name)


sys.meta_path.insert(0, Watch())
import socialframe as sf

box = sf.Sandbox(posts=500, latency=0.03, window_seconds=0.01)
with box.serve() as url:
    api = sf.Client(box.key, base_url=url, tier="paid", cache=False)
    api.posts().to_jsonl("x.jsonl")
    api.posts().to_parquet("x.parquet")
    api.posts().frame()
    api.fetch("/v1/posts", params={"limit": 100}).frame()
    print("done")
"""


@pytest.mark.processes
@pytest.mark.sockets
def test_no_module_is_imported_in_a_thread(tmp_path):
    """Ctrl-C meanwhile could leave the thread waiting for the import of the main thread."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    lines = done.stdout.splitlines()
    assert [line for line in lines if "socialframe" in line] == []
    assert "done" in lines


STUCK = """
import sys, time
import socialframe as sf


class Terminal:
    encoding = "utf-8"

    def write(self, text):
        sys.__stderr__.write(text)
        if "next call in" in text:
            time.sleep(1)  # meanwhile the rows of page 1 are converted
            raise KeyboardInterrupt

    def flush(self):
        pass

    def isatty(self):
        return True


sys.stderr = Terminal()
api = sf.Client(sys.argv[1], base_url=sys.argv[2], tier=sf.Limit(1, 60.0), progress=True)
api.posts(per_page=100).frame()
"""


@pytest.mark.processes
@pytest.mark.sockets
def test_ctrl_c_while_the_progress_bar_is_drawn_ends_the_process(tmp_path):
    """No thread keeps waiting for the bar."""
    sandbox = sf.Sandbox(latency=0.05)
    with sandbox.serve() as url:
        result = subprocess.run(
            [sys.executable, "-c", STUCK, sandbox.key, url],
            cwd=tmp_path,
            capture_output=True,
            timeout=30,
            check=False,
        )

    assert result.returncode == -signal.SIGINT
    assert b"KeyboardInterrupt" in result.stderr
