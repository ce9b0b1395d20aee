"""The wheel holds everything, and works outside of the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TRY = """
import socialframe as sf, sys
assert sf.__file__.startswith(sys.argv[1]), sf.__file__
print(len(sf.Client.sandbox().posts(since="2026-10-01").frame()))
"""


@pytest.mark.processes
def test_an_installed_wheel_runs_the_main_job(tmp_path):
    """With the made-up world inside; without tests, benchmarks and scripts."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, ROOT]
    subprocess.run([*pip, *build], check=True)
    (wheel,) = tmp_path.glob("socialframe-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "socialframe/py.typed" in names
    assert "socialframe/sandbox/world/data/accounts.json" in names
    assert "socialframe/sandbox/api/openapi.json" in names
    assert "socialframe/sandbox/pages/page.html" in names
    assert "socialframe/panel/styles.css" in names
    assert "socialframe/panel/browser_button.js" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"socialframe"}

    target = tmp_path / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", target, wheel], check=True)
    done = subprocess.run(
        [sys.executable, "-c", TRY, str(target)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) > 100
    version = subprocess.run(
        [sys.executable, "-m", "socialframe", "--version"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert version.stdout.startswith("socialframe ")
