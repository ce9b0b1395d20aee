"""What every test and every doctest stands on: a clean environment, a home of its own, loopback."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket

import pytest
from hypothesis import settings

# No test fails on a slow machine.
settings.register_profile("house", deadline=None)
settings.register_profile("stress", deadline=None, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))


def pytest_collection_modifyitems(items):
    """Let neither two browsers nor two tests of processes run at once, where tests do."""
    for item in items:
        for name in ("browser", "processes"):
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path_factory):
    """No key, base URL, keyring, home or budget of the developer's reaches a test."""
    for name in ("SOCIALAPI_KEY", "SOCIALAPI_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))  # it is 0700
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch):
    """No test reaches further than this machine."""
    connect = socket.socket.connect

    def guarded(self, address):
        if isinstance(address, tuple) and not ipaddress.ip_address(address[0]).is_loopback:
            message = f"a test wanted to connect to {address[0]}"
            raise AssertionError(message)
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _quiet_logs():
    """Log levels that a test sets do not outlive it."""
    levels = {name: logging.getLogger(name).level for name in ("", "socialframe", "httpx")}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def pytest_report_header() -> list[str]:
    """Say what cannot run here, and why."""
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
    return [f"left out: {what}" for what, there in left_out.items() if not there]
