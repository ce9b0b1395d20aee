"""Measures the import of socialframe, and the help of each verb of the command line."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections import Counter

BARE = "bare Python"
COMMANDS = {
    BARE: ("-c", "pass"),
    "import socialframe": ("-c", "import socialframe"),
    "socialframe --help": ("-m", "socialframe", "--help"),
    "import pandas": ("-c", "import pandas"),
}


def measured(repeat: int, commands: dict[str, tuple[str, ...]] | None = None) -> dict[str, float]:
    """Return the median seconds of each command in a new process.

    Parameters
    ----------
    repeat : int
        Number of repetitions. If there are several, one that fills the page cache comes before.
    commands : dict or None
        Arguments of Python, by name; None is ``COMMANDS``.

    Returns
    -------
    dict
        Seconds by name.
    """
    commands = COMMANDS if commands is None else commands
    took: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(repeat + 1 if repeat > 1 else 1):
        for name, arguments in commands.items():
            started = time.perf_counter()
            subprocess.run(  # noqa: S603 - this Python
                [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL
            )
            if turn or repeat == 1:
                took[name].append(time.perf_counter() - started)
    return {name: statistics.median(seconds) for name, seconds in took.items()}


def help_of_verbs(repeat: int) -> dict[str, float]:
    """Return the median seconds that each verb's help takes.

    Parameters
    ----------
    repeat : int
        As for ``measured``.

    Returns
    -------
    dict
        Seconds by verb.
    """
    from socialframe.cli.main import main as group

    commands: dict[str, tuple[str, ...]] = {
        f"socialframe {verb} --help": ("-m", "socialframe", verb, "--help")
        for verb in sorted(group.commands)
    }
    return measured(repeat, commands)


def slowest(command: str) -> str:
    """Return the packages whose import takes most of a command's time.

    Parameters
    ----------
    command : str
        ``import socialframe``, or the help of a verb.

    Returns
    -------
    str
        Three packages with the milliseconds of their own modules.
    """
    _, *words = command.split()
    arguments = COMMANDS.get(command) or ("-m", "socialframe", *words)
    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-X", "importtime", *arguments], check=True, capture_output=True, text=True
    )
    spent: Counter[str] = Counter()
    for line in done.stderr.splitlines():
        own, _, name = line.removeprefix("import time:").split("|")
        if own.strip().isdigit():
            spent[name.strip().partition(".")[0]] += int(own)
    return ", ".join(f"{name} {micros / 1000:.0f} ms" for name, micros in spent.most_common(3))
