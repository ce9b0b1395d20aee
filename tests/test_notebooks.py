"""The example notebooks run from top to bottom, and hold nothing that a run left behind."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

SECRET = re.compile(r"sk_\w|Bearer |[?&](code|state|token)=|authUrl|/callback/")


def name(path):
    """Name a test after its file."""
    return path.stem


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
@pytest.mark.processes
def test_a_notebook_runs_from_top_to_bottom(path, tmp_path):
    """In a kernel of its own, without a key, without a warning; and it shows what it plots."""
    import nbformat  # here, because its import takes seconds
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=place).execute()

    said = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [one.text for one in said if one.get("name") == "stderr" and "Warning" in one.text]
    plots = sum("plt.subplots(" in cell.source for cell in notebook.cells)
    assert sum("image/png" in one.get("data", ()) for one in said) == plots


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_nothing_of_a_run_is_kept(path):
    """No outputs, no counts, no state of widgets, no name of a machine's kernel; no secret."""
    import nbformat

    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)

    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        assert not cell.metadata
    assert not SECRET.search(text)


def test_there_are_notebooks():
    """Their tests stand on what is found, so that something is."""
    assert "01-first-frame" in [path.stem for path in NOTEBOOKS]
