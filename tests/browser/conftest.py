"""One server and one Chromium for all tests here, a page and a kernel for each."""

from __future__ import annotations

import pytest
from browsing import THERE, chromium, open_notebook, seen, serve_notebooks

collect_ignore_glob = [] if THERE else ["test_*.py"]


def pytest_collection_modifyitems(items):
    """Leave the order of each group, and take the browser last.

    Playwright keeps an event loop in the thread, and who wants one of their own then finds it.
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
def page(context, tmp_path):  # a failing test's picture goes there
    page = context.new_page()
    yield page
    page.close()


@pytest.fixture
def notebook(page, server):
    """Open a notebook of these cells: ``notebook(["1 + 1"])``, in JupyterLab by ``lab=True``."""

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
        report.sections.append(("the page", seen(page, picture)))
    return report
