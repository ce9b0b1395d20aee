"""Measures the import of socialframe, and the help of the command line.

python benchmarks/imports.py --repeat 9
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

BARE = "bare Python"
COMMANDS = {
    BARE: ("-c", "pass"),
    "import socialframe": ("-c", "import socialframe"),
    "socialframe --help": ("-m", "socialframe", "--help"),
    "import pandas": ("-c", "import pandas"),
}


def measured(repeat: int) -> dict[str, float]:
    """Return the median seconds of each command in a new process.

    Parameters
    ----------
    repeat : int
        Number of repetitions, after one that fills the page cache.

    Returns
    -------
    dict
        Seconds by name.
    """
    took: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(repeat + 1):
        for name, arguments in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run(  # noqa: S603 - this Python
                [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL
            )
            if turn:
                took[name].append(time.perf_counter() - started)
    return {name: statistics.median(seconds) for name, seconds in took.items()}


def report(repeat: int) -> None:
    """Print the table.

    Parameters
    ----------
    repeat : int
        As for ``measured``.
    """
    seconds = measured(repeat)
    print(f"{'start':22}{'ms':>8}{'over bare':>12}")
    for name, value in seconds.items():
        print(f"{name:22}{1000 * value:8.0f}{1000 * (value - seconds[BARE]):12.0f}")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Time the import and the command line's help.")
    parser.add_argument("--repeat", type=int, default=9)
    report(parser.parse_args().repeat)


if __name__ == "__main__":
    main()
