"""Fixtures for every test and doctest: a clean environment, loopback only, a time limit."""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# No deadline for an example, because a busy machine is slow.
settings.register_profile("default", deadline=None, max_examples=40)
settings.register_profile("stress", deadline=None, max_examples=1500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

STRESS = "SOCIALFRAME_STRESS" in os.environ or "HYPOTHESIS_PROFILE" in os.environ
# If rfc3987_syntax is installed, nbformat imports it, which takes 4 s. Notebooks do not need it.
sys.modules.setdefault("rfc3987_syntax", None)

TIME_LIMIT = 0 if STRESS else 120  # seconds for one test; 0 is no limit


def pytest_collection_modifyitems(items):
    """Run the browser tests in two groups, and the process tests of a file in one.

    Groups come first: a long one that starts last would leave the other workers without work.
    """

    def place(item):
        browser, processes = map(item.get_closest_marker, ("browser", "processes"))
        if browser or processes:
            panel = item.path.name == "test_panel.py"  # as long as the other browser tests
            group = "browser" if browser and not panel else item.path.name
            item.add_marker(pytest.mark.xdist_group(group))
        return 0 if browser else 1 if processes else 2

    items.sort(key=place)


@pytest.fixture(autouse=True)
def _time_limit():
    """Fail a test that takes longer than the limit."""

    def expire(_number, _frame):
        message = f"the test took longer than {TIME_LIMIT} s"
        raise TimeoutError(message)

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, TIME_LIMIT)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def _folders(tmp_path_factory):
    return tmp_path_factory.mktemp("folders")


@pytest.fixture(autouse=True)
def _clean_environment(request, monkeypatch, _folders):
    """Hide the developer's key, base URL, proxies, keyring and folders from a test."""
    for name in ("SOCIALAPI_KEY", "SOCIALAPI_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    # tmp_path_factory.mktemp lists all folders that it made before, which is slow for thousands.
    root = Path(tempfile.mkdtemp(dir=_folders))
    for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CACHE_HOME", "work"):
        (root / name).mkdir(0o700)
        if name != "work":
            monkeypatch.setenv(name, str(root / name))
    monkeypatch.chdir(root / "work")
    if request.node.get_closest_marker("sockets"):
        # Each httpx.Client loads all certificates, which takes 50 ms. Loopback needs none.
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        monkeypatch.setenv("SSL_CERT_DIR", str(root / "HOME"))


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch):
    """Refuse connections to other machines."""
    connect = socket.socket.connect

    def guarded(self, address):
        if isinstance(address, tuple) and not ipaddress.ip_address(address[0]).is_loopback:
            message = f"a test must not connect to {address[0]}"
            raise AssertionError(message)
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _quiet_logs():
    """Restore the log levels that a test changed."""
    levels = {name: logging.getLogger(name).level for name in ("", "socialframe", "httpx")}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def pytest_report_header() -> list[str]:
    """Say which tests are left out or shortened, and why."""
    import browsing
    import contract_facts
    import curl
    import recordings

    left_out = {
        f"tests/recorded (no recordings in {recordings.FOLDER})": recordings.THERE,
        f"tests/documented (no contract at {contract_facts.CONTRACT})": contract_facts.THERE,
        "tests/sandbox/test_curl.py (no curl is installed)": curl.THERE,
        f"tests/browser (no chromium; as root: {browsing.INSTALL_COMMAND})": browsing.AVAILABLE,
    }
    shortened = [] if STRESS else ["shortened: examples, kills and races (scripts/stress runs all)"]
    return [f"left out: {what}" for what, there in left_out.items() if not there] + shortened
