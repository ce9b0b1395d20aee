"""A connection leaves no secret in the notebook and in the logs."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from urllib.parse import unquote

import pytest
from panels import IMPORT, allow, consent, opened, wait_for_status
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

# The key comes from a file, so that no cell holds it.
CELL = f"""{IMPORT}
import logging, pathlib
logging.basicConfig(level="DEBUG")
api = sf.Client(pathlib.Path("key").read_text(), base_url=%r)
panel = sf.Panel(api, callback=%r)
panel"""


@contextmanager
def sandbox(folder):
    """Serve a sandbox in its own process; yield its URL, key and log file."""
    written = folder / "sandbox.log"
    with written.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "socialframe", "sandbox", "--port", "0"],
            cwd=folder,
            env=os.environ,
            stdout=subprocess.PIPE,
            stderr=out,
            text=True,
        )
        with process:
            try:
                values = [process.stdout.readline().strip().partition("=")[2] for _ in range(2)]
                yield *values, written
                process.terminate()
                out.write(process.stdout.read().encode())
            finally:
                process.kill()


@pytest.mark.parametrize("proxied", [False, True], ids=["loopback", "proxy"])
def test_notebook_and_logs_hold_no_secret(notebook, server, tmp_path, proxied):
    """No key, code, state, nonce or link, even in debug logs."""
    before = server.log.stat().st_size
    with sandbox(tmp_path) as (url, key, written):
        (server.folder / "key").write_text(key, encoding="utf-8")
        book, card = opened(notebook([CELL % (url, server.url if proxied else "auto")]))
        with consent(card) as tab:
            link, length = tab.url, tab.evaluate("history.length")
            waiting = book.save(widgets=True)
            callback = allow(tab)
            expect(tab).to_have_url(
                re.compile("/socialframe/result$")
            )  # the address bar holds no secret
            expect(tab.get_by_role("heading", name="Connected")).to_be_visible()
            assert tab.evaluate("history.length") == length + 1  # nor does the history
        wait_for_status(card, "Connected:")
        saved = book.save(widgets=True)
    (server.folder / "key").unlink()

    with server.log.open("rb") as log:
        log.seek(before)
        logged = log.read().decode()
    code, state = re.search(r"code=([^&]+)&state=([^&]+)", callback).groups()
    secrets = {
        "key": key,
        "code": code,
        "state": state,
        "decoded state": unquote(state),
        "nonce": re.search(r"/callback/([^?]+)", callback)[1],
        "link": re.search("request=([^&]+)", link)[1],
    }
    places = {
        "waiting notebook": waiting,
        "notebook": saved,
        "log of the notebook server": logged,
        "log of the sandbox": written.read_text(encoding="utf-8"),
    }
    assert "Waiting for your consent" in waiting
    assert "Connected:" in saved
    assert ("/proxy/" in callback) is proxied
    assert all(places.values())
    assert min(map(len, secrets.values())) > 8
    found = [
        (place, name) for place in places for name in secrets if secrets[name] in places[place]
    ]
    assert found == []
