"""A real notebook server and a real Chromium."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# In CI a missing Chromium must make the tests fail instead of leaving them out.
AVAILABLE = bool(shutil.which("chromium") or os.environ.get("CI"))
INSTALL_COMMAND = "apt-get install -y --no-install-recommends chromium fonts-dejavu-core"
VIEWPORT: Any = {"width": 1100, "height": 900}
TIMEOUT = 30_000  # milliseconds; generous, because a busy machine is slow

FLAGS = (
    "--no-sandbox",  # required as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)

# The page shows "idle" before there is a kernel, so ask the application.
_READY = """() => {
  const widget = window.jupyterapp?.shell?.currentWidget;
  const kernel = widget?.context?.sessionContext?.session?.kernel;
  return Boolean(widget?.context?.isReady && kernel
    && kernel.connectionStatus === 'connected' && kernel.status === 'idle');
}"""
_DO = "name => window.jupyterapp.commands.execute(name)"
_BEGIN = "name => { void window.jupyterapp.commands.execute(name); }"
_REPLACE = """async cells => {
  const { context, content } = window.jupyterapp.shell.currentWidget;
  const code = 'import ipywidgets; ipywidgets.Widget.close_all()';
  await context.sessionContext.session.kernel.requestExecute({ code, silent: true }).done;
  const notebook = content.model.sharedModel;
  notebook.transact(() => {
    notebook.deleteCellRange(0, notebook.cells.length);
    notebook.insertCells(0, cells.map(source => (
      { cell_type: 'code', source, metadata: { trusted: true }, outputs: [] })));
  });
  content.activeCellIndex = 0;
}"""
_KERNEL = "window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel"
_SAVE_STATE = """async wanted => {
  const { commands } = window.jupyterapp;
  const toggle = '@jupyter-widgets/jupyterlab-manager:saveWidgetState';
  if (commands.isToggled(toggle) !== wanted) await commands.execute(toggle);
}"""


class Server(NamedTuple):
    """A Jupyter server with Notebook 7 and JupyterLab."""

    url: str
    token: str
    folder: Path  # of the notebooks
    log: Path  # output of the server and its kernels

    def put(self, cells: list[str]) -> str:
        """Write a notebook with these code cells; return its name."""
        import nbformat

        name = f"{secrets.token_hex(4)}.ipynb"
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, self.folder / name)
        return name

    def address(self, name: str, *, lab: bool = False) -> str:
        # In a shared workspace, Lab would reopen the previous notebook first, and the test would
        # run the cells of that one.
        where = f"lab/workspaces/{name.removesuffix('.ipynb')}/tree" if lab else "notebooks"
        return f"{self.url}{where}/{name}?token={self.token}"

    def end_sessions(self, name: str | None = None) -> None:
        """Shut down every kernel, or that of one notebook."""
        headers = {"Authorization": f"token {self.token}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=30) as client:
            for one in client.get("api/sessions").raise_for_status().json():
                if name in {None, one["path"]}:
                    client.delete(f"api/sessions/{one['id']}").raise_for_status()


class Notebook(NamedTuple):
    """A notebook that is open in a page, with a ready kernel."""

    page: Page
    path: Path

    def is_ready(self) -> bool:
        """Return whether the page is open and its kernel is idle."""
        return not self.page.is_closed() and bool(self.page.evaluate(_READY))

    def replace(self, cells: list[str]) -> None:
        """Close all widgets of the kernel and put other cells into the notebook."""
        self.page.set_viewport_size(VIEWPORT)
        self.page.evaluate(_REPLACE, cells)

    def run_all(self) -> None:
        """Run all cells and wait; none may fail."""
        assert self.page.evaluate(_DO, "notebook:run-all-cells"), "a cell failed"

    def begin_all(self) -> None:
        """Start all cells without waiting."""
        self.page.evaluate(_BEGIN, "notebook:run-all-cells")

    def restart(self) -> None:
        """Restart the kernel; the page keeps its outputs."""
        self.page.evaluate(f"() => {_KERNEL}.restart()")
        self.page.wait_for_function(_READY)

    def save(self, *, widgets: bool = False) -> str:
        """Save the notebook, with or without widget state; return the text of the file."""
        self.page.evaluate(_SAVE_STATE, widgets)
        self.page.evaluate(_DO, "docmanager:save")
        return self.path.read_text(encoding="utf-8")


def open_notebook(page: Page, server: Server, cells: list[str], *, lab: bool = False) -> Notebook:
    """Open a new notebook in a page, and wait for its kernel."""
    name = server.put(cells)
    page.goto(server.address(name, lab=lab))
    page.wait_for_function(_READY)
    return Notebook(page, server.folder / name)


@contextmanager
def serve_notebooks(root: Path) -> Iterator[Server]:
    """Start a server with its own home, settings and token; stop it with its kernels."""
    token, folder, log = secrets.token_hex(24), root / "notebooks", root / "server.log"
    folder.mkdir()
    settings = root / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    # Otherwise a question about news covers a corner of the page.
    (settings / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}', encoding="utf-8"
    )
    arguments = [
        "--no-browser",
        "--allow-root",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.port=0",  # other servers may be running
        "--ServerApp.base_url=/user/ada/",  # as on a hub, the harder case
        "--JupyterNotebookApp.expose_app_in_browser=True",
        "--LabApp.expose_app_in_browser=True",
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "notebook", *arguments],
            cwd=folder,
            env=_environment(root, token),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
        try:
            yield Server(_address(process, root, log), token, folder, log)
        finally:
            process.terminate()
            try:
                process.wait(20)
            finally:
                process.kill()
                process.wait()


def _environment(root: Path, token: str) -> dict[str, str]:
    """Return an environment that takes only PATH from the developer's."""
    own = {"PATH": os.environ["PATH"], "JUPYTER_TOKEN": token, "LANG": "C.UTF-8"}
    own["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    for name in (
        *("HOME", "IPYTHONDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"),
        *("XDG_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"),
        *("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"),
    ):
        (root / name).mkdir(mode=0o700, exist_ok=True)
        own[name] = str(root / name)
    return own


def _address(process: subprocess.Popen[bytes], root: Path, log: Path) -> str:
    """Wait until the server runs; return its URL from its info file."""
    info = root / "JUPYTER_RUNTIME_DIR" / f"jpserver-{process.pid}.json"
    for _ in range(600):
        if process.poll() is not None:
            break
        if info.exists() and (text := info.read_text(encoding="utf-8")).endswith("}"):
            return str(json.loads(text)["url"])
        time.sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8", errors="replace"))


@contextmanager
def chromium() -> Iterator[BrowserContext]:
    """Start a Chromium with one context, whose cache all pages share."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        context = browser.new_context(viewport=VIEWPORT)
        context.set_default_timeout(TIMEOUT)
        yield context
        browser.close()


def faults(page: Page, inside: str | None = None) -> list[str]:
    """Return the serious and critical accessibility faults of a page, or of a selector in it."""
    from axe_playwright_python.sync_playwright import Axe

    found: list[dict[str, Any]] = Axe().run(page, context=inside).response["violations"]
    return [
        f"{one['id']}: {node['html']}: {node['failureSummary']}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


def describe_page(page: Page, folder: str) -> str:
    """Take a screenshot of a page; return its URL, the file and the accessibility tree."""
    picture = f"{folder}/page.png"
    page.screenshot(path=picture, full_page=True)
    return f"{page.url.partition('?')[0]}\n{picture}\n{page.locator('body').aria_snapshot()}"
