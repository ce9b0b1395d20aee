"""Every benchmark script runs; its times are not checked, but the values that it computes are."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
#: Arguments of the smallest run of each script, and words that it prints last.
RUNS = {
    "run.py": (["--posts", "100", "-n", "1", "--job", "row a target"], "json_normalize"),
    "cache.py": ([], "of them."),
    "budget.py": (["--windows", "1", "--seconds", "0.2", "--processes", "1"], "it refused 0."),
    "dataset.py": (["300"], "0 inserted"),
    "imports.py": (["--repeat", "1"], "import pandas"),
    "sandbox.py": (["--pages", "2", "-n", "1", "--world", "small world"], "goal: 800 pages/s"),
    "check.py": (["--posts", "500"], "cursor, 50 ms / socialframe: equal"),
}


@pytest.mark.processes
@pytest.mark.parametrize("script", RUNS)
def test_the_smallest_run_of_each_benchmark_prints_its_last_line(script):
    """It ends with exit code 0; check.py compares each value with the reference decoder."""
    arguments, last = RUNS[script]

    assert last in run(script, *arguments).splitlines()[-1]


@pytest.mark.processes
def test_the_profile_has_all_stages():
    """Each stage took time."""
    lines = run("run.py", "--posts", "2000", "--profile").splitlines()
    stages = {name: float(ms) for _, name, ms, _ in (line.split("|") for line in lines[-10:])}

    assert len(stages) == 10
    assert min(stages.values()) > 0


def test_every_benchmark_script_is_tested():
    """A script has a run above, or run.py runs it."""
    scripts = {path.name for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text()}

    assert scripts == {*RUNS, "server.py", "methods.py"}


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
