"""Measures how several processes share the budget of one key, against the sandbox.

    python benchmarks/budget.py --windows 5 --seconds 60 --processes 4

Prints what the budget costs a call, then the requests of each process, the fullest window, and how
many the server refused.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import socialframe as sf
from socialframe.http.budget import GUARD

_LIMIT = 60  # calls a window of the free tier
_CALLS = 3000  # the most of a process, to time the budget
WORK = """
import sys, time, socialframe as sf
from socialframe.messages.call import Call
key, url, window, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
api = sf.Client(key, base_url=url, tier=sf.Limit(60, window))
print("ready", flush=True)
sys.stdin.readline()
calls, end = 0, time.monotonic() + seconds
while time.monotonic() < end:
    api._send(Call("/v1/accounts"))
    calls += 1
print(calls, flush=True)
"""
#: Books calls without sending them.
COST = """
import sys, time
from pathlib import Path
from socialframe.http.budget import Limit
from socialframe.http.shared_budget import SharedBudget
folder, limit, calls = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
budget = SharedBudget(lambda: folder, "tenant", Limit(limit))
budget.usage()
print("ready", flush=True)
sys.stdin.readline()
began = time.perf_counter()
for done in range(calls):
    slot, wait = budget.reserve(30.0)
    if slot is None:
        break
    budget.end(slot)
print(1e6 * (time.perf_counter() - began) / (done + 1), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Shared:
    """How processes shared a budget.

    Parameters
    ----------
    counts : list of int
        Calls of each process.
    most : float
        Calls that the limit allows within the time.
    fullest : float
        Calls in the fullest window of the server, of the limit.
    refused : int
        Calls that the server refused.
    """

    counts: list[int]
    most: float
    fullest: float
    refused: int

    @property
    def use(self) -> float:
        """Calls, of those that the limit allows."""
        return sum(self.counts) / self.most


def share(*, windows: int, seconds: float, processes: int) -> Shared:
    """Return how processes shared a budget that all of them want.

    Parameters
    ----------
    windows, processes : int
        How long, and how many.
    seconds : float
        Length of a window.
    """
    box = sf.Sandbox(tier="free", window_seconds=seconds)
    duration = (windows - 1) * (seconds + GUARD) + 0.5 * seconds
    with box.serve() as url:
        arguments = [box.key, url, str(seconds), str(duration)]
        counts = [int(line) for line in _together(WORK, arguments, processes)]
    times = sorted(datetime.fromisoformat(one.moment).timestamp() for one in box.requests)
    fullest = max(sum(first <= one < first + seconds for one in times) for first in times)
    refused = sum(one.status != 200 for one in box.requests)  # noqa: PLR2004 - OK
    ended = [count - 1 for count in counts]  # each process sends one more call after the end
    return Shared(ended, _LIMIT * windows, fullest / _LIMIT, refused)


def cost(*, processes: int, limit: int) -> float:
    """Return the microseconds that the budget takes for a call, until the limit is used up.

    Parameters
    ----------
    processes : int
        How many of them book calls at once.
    limit : int
        Calls in 60 seconds.
    """
    calls = min(_CALLS, limit // processes)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o700)
        lines = _together(COST, [folder, str(limit), str(calls)], processes)
    return sum(map(float, lines)) / processes


def _together(script: str, arguments: list[str], processes: int) -> list[str]:
    """Return what each process prints; all of them start at the same moment."""
    workers = [
        subprocess.Popen(  # noqa: S603 - this Python
            [sys.executable, "-c", script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    return [worker.communicate()[0] for worker in workers]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0, help="of a window")
    parser.add_argument("--processes", type=int, default=4)
    given = parser.parse_args()
    print("| processes | calls in 60 s | µs a call |\n|---|---|---|")
    for processes in sorted({1, given.processes}):
        for limit in (10**9, 600, 60):
            print(f"| {processes} | {limit:,} | {cost(processes=processes, limit=limit):.0f} |")
    one = share(windows=given.windows, seconds=given.seconds, processes=given.processes)
    mean = max(1, sum(one.counts)) / len(one.counts)
    print("\n| process | calls | of its fair share |\n|---|---|---|")
    for number, count in enumerate(one.counts, 1):
        print(f"| {number} | {count} | {count / mean:.0%} |")
    print(f"\n{sum(one.counts)} calls in {given.windows} windows of {given.seconds:g} s, which is")
    print(f"{one.use:.3f} of the limit; the fullest window of the server held {one.fullest:.2f} of")
    print(f"it; it refused {one.refused}.")


if __name__ == "__main__":
    main()
