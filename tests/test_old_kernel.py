"""The panel on ipykernel 6, which some hubs still use."""

import json
import subprocess
import sys

import pytest

CELLS = (
    "import ipykernel\nimport socialframe as sf\nprint(ipykernel.__version__)",
    "panel = sf.Panel()\npanel",
    # A waiting cell keeps the kernel busy while the panel's threads work.
    "panel.use(sf.Client.sandbox())\nassert panel.wait(20)\nprint(panel)",
    """panel._load.rows.value = "300"
panel._load.load_button.click()
assert panel.wait(20)
print(panel)""",
    "print(len(panel.df), panel.query)",
)


def installed(folder):
    """Install ipykernel 6 in a folder, and a kernel named "old" that uses it."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    site = folder / "site"
    packages = ["ipykernel<7", "nest-asyncio"]  # a dependency that ipykernel 7 no longer has
    subprocess.run([*pip, "--no-deps", "--target", site, *packages], check=True)
    kernel = folder / "kernels" / "old"
    kernel.mkdir(parents=True)
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "old",
        "language": "python",
        "env": {"PYTHONPATH": str(site)},
    }
    (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


@pytest.mark.processes
def test_the_panel_loads_rows_on_ipykernel_6(tmp_path, monkeypatch):
    """It is displayed, connects to the sandbox and loads rows."""
    import nbformat  # here, because its import takes seconds
    from nbclient import NotebookClient

    installed(tmp_path)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in CELLS])
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=60, kernel_name="old", resources=place).execute()

    version, shown, asked, loaded, rows = (cell.outputs for cell in notebook.cells)
    assert version[0].text.startswith("6.")
    (face,) = [one.data for one in shown if "data" in one]
    assert "application/vnd.jupyter.widget-view+json" in face
    assert face["text/plain"] == "<Panel without a key>"
    assert asked[0].text == "<Panel of the sandbox: 17 accounts, nothing loaded>\n"
    assert loaded[0].text == "<Panel of the sandbox: 17 accounts, 300 rows loaded>\n"
    assert rows[0].text.startswith("300 ")
