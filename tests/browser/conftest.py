"""One notebook server and one Chromium for all tests here; a page and a kernel for each test."""

from __future__ import annotations

import pytest
from browsing import AVAILABLE, chromium, describe_page, open_notebook, serve_notebooks

collect_ignore_glob = [] if AVAILABLE else ["test_*.py"]


def pytest_collection_modifyitems(items):
    """Run the browser tests last.

    Playwright keeps an event loop in the thread, which breaks tests that start their own.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with serve_notebooks(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="session")
def context():
    with chromium() as context:
        yield context


@pytest.fixture
def page(context, tmp_path):  # tmp_path takes the screenshot of a failed test
    page = context.new_page()
    yield page
    page.close()


@pytest.fixture
def notebook(page, server):
    """Open a notebook with these cells: ``notebook(["1 + 1"])``; ``lab=True`` uses JupyterLab."""

    def opened(cells, *, lab=False):
        return open_notebook(page, server, cells, lab=lab)

    yield opened
    server.end_sessions()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Show the page of a test that failed."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if page is not None and report.when == "call" and report.failed:
        picture = item.funcargs["tmp_path"] / "page.png"
        report.sections.append(("the page", describe_page(page, picture)))
    return report
