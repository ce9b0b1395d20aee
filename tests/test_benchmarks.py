"""Every benchmark runs; its times are not checked, but the values that it computes are."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PARTS = ("memory", "store", "budget", "start")
#: Arguments of the smallest run of each script, and words of the last line that it prints.
RUNS = {
    "run.py": (["--tiny", *(f"--job={name}" for name in ("row a target", *PARTS))], "End: "),
    "budget.py": (["--windows", "1", "--seconds", "0.5", "--processes", "1"], "it refused 0."),
    "sandbox.py": (["--pages", "2", "-n", "1", "--world", "small world"], "goal: 800 pages/s"),
    "dataset.py": (["2000"], "unchanged: "),
}


@pytest.mark.processes
@pytest.mark.parametrize("script", RUNS)
def test_the_smallest_run_of_each_benchmark_prints_its_last_line(script):
    """It ends with exit code 0."""
    arguments, last = RUNS[script]

    assert last in run(script, *arguments).splitlines()[-1]


@pytest.mark.processes
def test_each_job_returns_the_values_of_the_reference_decoder():
    """With socialframe and with plain httpx, for 500 posts; check.py fails if a value differs."""
    lines = run("check.py", "--posts", "500").splitlines()

    jobs = {line.partition(" / ")[0] for line in lines if " / socialframe: " in line}
    assert len(jobs) == 10
    assert sum("httpx + " in line for line in lines) == 7
    assert all(line.endswith(" rows are equal") for line in lines)


@pytest.mark.processes
def test_the_check_of_values_finds_a_changed_one():
    """The values of one column differ."""
    changed = (
        "import check, method_normalize as method\n"
        "frame = method.frame\n"
        "method.frame = lambda task: frame(task).replace({'timezone': {'UTC': 'GMT'}})\n"
        "check.report(100, ('httpx + json_normalize',))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", changed], cwd=BENCHMARKS, capture_output=True, text=True, check=False
    )

    assert "timezone: 'GMT' instead of 'UTC'" in done.stderr


@pytest.mark.processes
def test_the_profile_has_the_main_stages():
    """Each of them takes time, and all of them have the whole time."""
    lines = run("run.py", "--profile", "--job=frame", "--posts=5000").splitlines()
    rows = [line.split("|")[1:4] for line in lines if line.endswith("% |")]
    stages = {name.strip(): float(ms) for name, ms, _ in rows}

    assert {"HTTP library", "decode", "read the envelope", "all"} <= stages.keys()
    whole = stages.pop("all")
    assert sum(stages.values()) == pytest.approx(whole, abs=0.1)


def test_every_benchmark_script_is_tested():
    """A script has a run above, or another one runs it."""
    scripts = {path.name for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text()}

    assert scripts == {*RUNS, "check.py", "server.py", "methods.py", "raw_pages.py"}


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
