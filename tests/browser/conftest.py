"""One notebook server, one Chromium and, for most tests, one notebook."""

from __future__ import annotations

import tempfile

import pytest
from browsing import AVAILABLE, chromium, describe_page, open_notebook, serve_notebooks

collect_ignore_glob = [] if AVAILABLE else ["test_*.py"]


@pytest.fixture(scope="package")
def server(tmp_path_factory):
    with serve_notebooks(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="package")
def context():
    # Playwright keeps an event loop in the thread, which breaks tests outside this folder that
    # start their own. So it ends with the last test here.
    with chromium() as context:
        yield context


@pytest.fixture
def page(context):
    page = context.new_page()
    yield page
    page.close()


@pytest.fixture(scope="package")
def shared():
    """Hold the notebook that tests use one after the other: opening one takes 6 s of CPU."""
    return []


@pytest.fixture
def notebook(context, server, shared):
    """Put cells into the shared notebook: ``notebook(["1 + 1"])``.

    ``new=True`` and, in JupyterLab, ``lab=True`` open one for this test alone. After a restart of
    the kernel the page keeps the old widgets.
    """
    own = []

    def close(book):
        book.page.close()
        server.end_sessions(book.path.name)

    def put(cells, *, new=False, lab=False):
        if new or lab:
            own.append(open_notebook(context.new_page(), server, cells, lab=lab))
            return own[-1]
        if shared and shared[0].is_ready():
            shared[0].replace(cells)
        else:
            for book in shared:  # it is busy, or its page is closed
                close(book)
            shared[:] = [open_notebook(context.new_page(), server, cells)]
        return shared[0]

    yield put
    for book in own:
        close(book)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Show the pages of a test that failed, and close them."""
    report = yield
    context = getattr(item, "funcargs", {}).get("context")
    if context is not None and report.when == "call" and report.failed:
        for page in context.pages:
            report.sections.append(("a page", describe_page(page, tempfile.mkdtemp())))
            page.close()
    return report
