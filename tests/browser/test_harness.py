"""The helpers of the browser tests: opening a notebook, running cells, finding faults."""

import json

import httpx
import pytest
from browsing import faults
from playwright.sync_api import expect

from socialframe.sandbox import Sandbox

pytestmark = pytest.mark.browser

BUTTON = """
import ipywidgets as w
label, button = w.Label("not yet"), w.Button(description="Press me")
button.on_click(lambda _: setattr(label, "value", "it was pressed"))
box = w.VBox([button, label])
box.add_class("example")
box
"""
BUSY = "import time; time.sleep(600)"


def press(notebook):
    panel = notebook.page.locator(".example")
    panel.get_by_role("button", name="Press me").click()
    expect(panel.get_by_text("it was pressed")).to_be_visible()


def test_button_is_found_by_its_role_and_works(notebook):
    """It has no serious accessibility fault."""
    opened = notebook([BUTTON])
    opened.run_all()

    press(opened)
    assert faults(opened.page, ".example") == []


def test_saved_notebook_holds_widget_state_on_request(notebook):
    """By default it does not."""
    opened = notebook([BUTTON], new=True)
    opened.run_all()
    press(opened)

    saved = json.loads(opened.save())
    assert saved["cells"][0]["execution_count"] > 0
    assert "widgets" not in saved["metadata"]
    assert "it was pressed" in opened.save(widgets=True)


def test_failing_cell_raises(notebook):
    """The page still works."""
    opened = notebook(["1 / 0"])

    with pytest.raises(AssertionError, match="a cell failed"):
        opened.run_all()
    expect(opened.page.get_by_text("ZeroDivisionError").first).to_be_visible()


def test_busy_kernel_can_be_restarted(notebook):
    """After the restart no cell has run."""
    cell = "try:\n    known\nexcept NameError:\n    known = True\nelse:\n    " + BUSY
    opened = notebook([cell])
    opened.run_all()
    opened.begin_all()
    expect(opened.page.get_by_text("[*]")).to_be_visible()

    opened.restart()

    opened.run_all()


def test_end_sessions_stops_the_kernel_of_one_notebook(notebook, server):
    """Others go on."""
    shared, own = notebook(["1"]), notebook(["1"], new=True)

    server.end_sessions(own.path.name)

    sessions = httpx.get(f"{server.url}api/sessions?token={server.token}").json()
    paths = {one["path"] for one in sessions}
    assert shared.path.name in paths
    assert own.path.name not in paths


def test_port_is_reached_through_the_notebook_server(page, server):
    """By jupyter-server-proxy, under the prefix of a hub."""
    page.goto(f"{server.url}tree?token={server.token}")  # which leaves a cookie
    with Sandbox().serve() as url:
        page.goto(f"{server.url}proxy/{url.rpartition(':')[2]}/_sandbox/")

        expect(page.get_by_role("heading", name="Connect")).to_be_visible()
    assert "/user/ada/proxy/" in page.url


def test_accessibility_faults_are_found(page):
    """An image without a text, and a link with too little contrast."""
    page.set_content('<main><img src="data:,"><a href="/" style="color: #ddd">here</a></main>')

    assert {one.split(":")[0] for one in faults(page)} >= {"image-alt", "color-contrast"}
    assert faults(page, "a")[0].startswith("color-contrast")


def test_replaced_cells_leave_no_widget(notebook):
    """The cells of the next test are the only ones."""
    opened = notebook([BUTTON])
    opened.run_all()
    press(opened)

    opened = notebook(["1 + 1"])
    opened.run_all()

    saved = opened.save(widgets=True)
    assert len(json.loads(saved)["cells"]) == 1
    assert "it was pressed" not in saved
