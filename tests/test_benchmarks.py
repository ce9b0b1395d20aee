"""Every benchmark script runs; the numbers are not checked."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
#: Arguments of the smallest run of each script, and words that it prints last.
RUNS = {
    "run.py": (
        ["--posts", "100", "-n", "1", "--job", "row a target", "--job", "cache"],
        "stored are",
    ),
    "budget.py": (["--windows", "1", "--seconds", "0.2", "--processes", "1"], "it refused 0."),
    "dataset.py": (["300"], "0 inserted"),
    "imports.py": (["--repeat", "1"], "import pandas"),
    "sandbox.py": (["--pages", "2", "-n", "1", "--world", "small world"], "goal: 800 pages/s"),
}
#: All jobs with all methods, in one process: faster than run.py, which starts a process for each.
ALL_JOBS = """
import pathlib, sys, pages, server, task, methods
folder = pathlib.Path(sys.argv[1])
(folder / "000001.json").write_bytes(pages.Pages(100).body(1))
with server.serving(100) as port:
    for job, (_, names) in methods.JOBS.items():
        for name in names:
            made = methods.run(job, name, task.Task(port, 1, folder, folder / "out.parquet"))
            print(job, "/", name, made["posts"])
"""


def run(*arguments):
    """Return what a Python process prints, which must end with exit code 0."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=BENCHMARKS,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.processes
@pytest.mark.parametrize("script", RUNS)
def test_the_smallest_run_of_each_benchmark_prints_its_last_line(script):
    """It ends with exit code 0."""
    arguments, last = RUNS[script]

    assert last in run(script, *arguments)


@pytest.mark.processes
def test_each_method_of_each_job_finds_all_posts(tmp_path):
    """A job prints the number of distinct posts: 100 on one page."""
    lines = run("-c", ALL_JOBS, str(tmp_path)).splitlines()

    assert len(lines) >= 12
    assert {line.rpartition(" ")[2] for line in lines} == {"100"}


def test_every_benchmark_script_is_tested():
    """A script has a run above, or run.py runs it."""
    scripts = {path.name for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text()}

    assert scripts == {*RUNS, "cache.py", "server.py", "methods.py"}
