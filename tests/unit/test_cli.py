"""The same from a shell."""

import os
import signal
import subprocess
import sys

import pandas as pd
import pytest
from click.testing import CliRunner

import socialframe as sf
from socialframe.cli import main


def test_the_demo_runs_the_main_job():
    """Accounts, posts, an answer, and a Parquet file of every post in the working folder."""
    result = CliRunner().invoke(main, ["demo"])

    assert result.exit_code == 0, result.output
    for words in ("made up", "17 accounts", "5,400 posts came in 54 calls", "engaged best"):
        assert words in result.output
    frame = pd.read_parquet("socialframe-demo.parquet")
    assert len(frame) == frame["id"].nunique() == 5400


def test_a_demo_that_cannot_write_is_one_sentence():
    """A folder stands in the file's place."""
    os.mkdir("socialframe-demo.parquet")  # noqa: PTH102 - beside the test's own working folder

    result = CliRunner().invoke(main, ["demo"])

    assert result.exit_code == 1
    assert "it is a folder" in result.output
    assert "Traceback" not in result.output


def test_help_and_version_say_what_there_is():
    """With examples."""
    assert "sandbox" in CliRunner().invoke(main, ["--help"]).output
    for command in ("demo", "sandbox"):
        shown = CliRunner().invoke(main, [command, "--help"]).output
        assert f"  Examples:\n    socialframe {command}\n" in shown
    assert CliRunner().invoke(main, ["--version"]).output.startswith("socialframe ")


@pytest.fixture
def sandbox_process(request):
    """Start ``socialframe sandbox`` and return its process, URL and key."""
    options = getattr(request, "param", [])
    process = subprocess.Popen(
        [sys.executable, "-m", "socialframe", "sandbox", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    url, key = (process.stdout.readline().strip().partition("=")[2] for _ in range(2))
    yield process, url, key
    process.kill()
    process.communicate()


@pytest.mark.processes
@pytest.mark.sockets
@pytest.mark.parametrize("sandbox_process", [[], ["--end-sign", "hasMore"]], indirect=True)
def test_every_post_comes_once_over_a_real_socket(sandbox_process, tmp_path):
    """With either end sign, into Parquet."""
    _, url, key = sandbox_process
    with sf.Client(key, base_url=url, tier="paid") as api:
        api.posts().to_parquet(tmp_path / "posts.parquet")
        expected = sf.Client.sandbox().posts().frame()

    frame = pd.read_parquet(tmp_path / "posts.parquet")
    assert frame["id"].tolist() == expected["id"].tolist()
    assert frame["id"].is_unique


@pytest.mark.processes
@pytest.mark.sockets
def test_ctrl_c_ends_the_sandbox_quietly(sandbox_process):
    """No traceback; the port is free again."""
    process, url, _ = sandbox_process
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)

    assert process.returncode == 0
    assert "Traceback" not in errors
    with pytest.raises(sf.NetworkError):
        sf.Client("sk_any0key0here", base_url=url, max_wait=0, timeout=1).accounts().frame()


@pytest.mark.sockets
def test_a_taken_port_is_one_sentence():
    """With its number."""
    with sf.Sandbox().serve() as url:
        port = url.rpartition(":")[2]
        result = CliRunner().invoke(main, ["sandbox", "--port", port])

    assert result.exit_code == 1
    assert f"Port {port} cannot be used" in result.output
