"""Take screenshots of the panel: sh scripts/screenshots FOLDER."""

import re
import sys
import tempfile
from pathlib import Path

from browsing import chromium, open_notebook, serve_notebooks
from playwright.sync_api import expect

DOCUMENTED = {  # screenshots in docs/, with their names there
    "waiting": "panel-connect",
    "table": "panel-table",
    "chart": "panel-chart",
    "dark-chart": "panel-dark",
}
COLOURS = 128  # enough for these screenshots, at a third of the bytes

CELL = "import socialframe as sf\n{}\npanel = sf.Panel({})\npanel"
BOX = CELL.format("{}", "sf.Client.sandbox(box)")
EMPTY = CELL.format(
    "api = sf.Client.sandbox()\n"
    "for row in api.accounts().frame().itertuples():\n"
    "    api.disconnect(row.platform, row.account_id)",
    "api",
)
SPENT = CELL.format(
    "api = sf.Client.sandbox(tier='free')\n"
    "for _ in range(44): api.health().frame(refresh=True, progress=False)",
    "api",
)


class Studio:
    """Opens notebooks and takes screenshots of the panels in them."""

    def __init__(self, server, context, folder):
        self.server, self.context, self.folder = server, context, folder

    def panel(self, cell, *, width=1000, dark=False):
        page = self.context.new_page()
        page.set_viewport_size({"width": width, "height": 1800})
        book = open_notebook(page, self.server, [cell])
        if dark:
            page.evaluate(
                "window.jupyterapp.commands.execute("
                "'apputils:change-theme', { theme: 'JupyterLab Dark' })"
            )
            expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
        book.run_all()
        return page.locator(".socialframe-panel")

    def take(self, card, name):
        from PIL import Image

        card.page.mouse.move(0, 0)
        path = self.folder / f"{name}.png"
        card.screenshot(path=path, animations="disabled")
        with Image.open(path) as picture:
            small = picture.convert("RGB").quantize(COLOURS)
        small.save(path, optimize=True)
        sys.stdout.write(f"{path}\n")

    def close(self, card):
        card.page.close()
        self.server.end_sessions()


def click(card, name):
    card.get_by_role("button", name=name, exact=True).click()


def wait_for_status(card, text):
    expect(card.get_by_role("status").filter(has_text=text).first).to_be_visible()


def load(card, rows="2000"):
    card.get_by_label("Row limit").fill(rows)
    click(card, "Load")


def accounts(studio):
    card = studio.panel(CELL.format("", ""))
    wait_for_status(card, "There is no API key")
    studio.take(card, "no-key")
    studio.close(card)
    card = studio.panel(EMPTY)
    wait_for_status(card, "No account is connected yet")
    studio.take(card, "no-accounts")
    for button, name, words in (
        ("Deny", "denied", "No account was connected"),
        ("Allow", "connected", "Connected:"),
    ):
        with card.page.expect_popup() as popup:
            click(card, "Connect")
        wait_for_status(card, "Waiting for your consent")
        studio.take(card, "waiting")
        popup.value.get_by_role("button", name=button).click()
        wait_for_status(card, words)
        popup.value.close()
        studio.take(card, name)
    studio.close(card)


def loading(studio):
    card = studio.panel(BOX.format("box = sf.Sandbox(latency=0.4)"))
    load(card)
    wait_for_status(card, "8 pages")
    studio.take(card, "loading")
    studio.close(card)
    card = studio.panel(SPENT)
    load(card)
    wait_for_status(card, "Waiting: budget used")
    studio.take(card, "budget")
    studio.close(card)
    fault = (
        "from socialframe.sandbox import Fault\nbox = sf.Sandbox(faults=[Fault('html', page=9)])"
    )
    card = studio.panel(BOX.format(fault))
    load(card)
    wait_for_status(card, "A page could not be fetched")
    studio.take(card, "error")
    studio.close(card)


def looking(studio, prefix="", **options):
    card = studio.panel(CELL.format("", "sf.Client.sandbox()"), **options)
    expect(card.get_by_text("17 accounts connected")).to_be_visible()
    card.get_by_label("Data").select_option("analytics")
    card.get_by_label("From").fill("2026-01-01")
    load(card)
    wait_for_status(card, "2,000 rows loaded")
    studio.take(card, f"{prefix}table")
    click(card, "Chart")
    if prefix:
        card.get_by_label("Chart of").select_option("Engagement by platform")
        expect(card.get_by_role("img", name="Median engagement rate")).to_be_visible()
    expect(card.get_by_role("img")).to_be_visible()
    studio.take(card, f"{prefix}chart")
    if not prefix:
        click(card, "Save")
        wait_for_status(card, re.compile("Read it with"))
        studio.take(card, "exported")
    studio.close(card)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as root,
        serve_notebooks(Path(root)) as server,
        chromium() as context,
    ):
        studio = Studio(server, context, folder)
        accounts(studio)
        loading(studio)
        looking(studio)
        looking(studio, "narrow-", width=480)
        looking(studio, "dark-", dark=True)  # last, because the theme stays
    docs = Path(__file__).parents[1] / "docs"
    for name, known in DOCUMENTED.items():
        (docs / f"{known}.png").write_bytes((folder / f"{name}.png").read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
