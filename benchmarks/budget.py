"""Measures how several processes share the budget of one key, against the sandbox.

    python benchmarks/budget.py --windows 5 --seconds 60 --processes 4

Prints what the budget costs a request, of one process and of several; then the requests of each
process, the fullest window, and how many the server refused.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from datetime import datetime

import socialframe as sf

WORK = """
import sys, time, socialframe as sf
from socialframe.messages.call import Call
key, url, limit, window, seconds = *sys.argv[1:3], int(sys.argv[3]), *map(float, sys.argv[4:])
api = sf.Client(key, base_url=url, tier=sf.Limit(limit, window))
print("ready", flush=True)
sys.stdin.readline()
calls, end = 0, time.monotonic() + seconds
while time.monotonic() < end:
    api._send(Call("/v1/accounts"))
    calls += 1
print(calls, flush=True)
"""

COST = """
import sys, time
from pathlib import Path
from socialframe.http.budget import Limit
from socialframe.http.shared_budget import SharedBudget
limit, calls = int(sys.argv[2]), int(sys.argv[3])
budget = SharedBudget(lambda: Path(sys.argv[1]), "tenant", Limit(limit, 60.0))
budget.usage()
print("ready", flush=True)
sys.stdin.readline()
done, began, cpu = 0, time.perf_counter(), time.process_time()
for _ in range(calls):
    slot, wait = budget.reserve(30.0)
    if slot is None:
        break
    budget.end(slot)
    done += 1
print(done, time.perf_counter() - began, time.process_time() - cpu, flush=True)
"""


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0, help="of a window")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--tier", choices=["free", "paid"], default="free")
    parser.add_argument("--calls", type=int, default=20000, help="whose cost is measured")
    given = parser.parse_args()
    _print_cost(given.processes, given.calls)
    box = sf.Sandbox(tier=given.tier, window_seconds=given.seconds)
    limit = {"free": 60, "paid": 600}[given.tier]
    duration = (given.windows - 1) * (given.seconds + 0.05) + 0.5 * given.seconds
    with box.serve() as url:
        numbers = map(str, (limit, given.seconds, duration))
        command = [sys.executable, "-c", WORK, box.key, url, *numbers]
        counts = [int(line) for line in _run([command] * given.processes)]
    _print(box, counts, given.seconds, limit * given.windows)


def _run(commands: list[list[str]]) -> list[str]:
    """Start processes, let them begin at the same time, and return the last line of each."""
    workers = [
        subprocess.Popen(  # noqa: S603 - this Python
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for command in commands
    ]
    for worker in workers:
        worker.stdout.readline()  # type: ignore[union-attr]  # it is a pipe
    for worker in workers:
        worker.stdin.write("go\n")  # type: ignore[union-attr]  # it is a pipe
        worker.stdin.flush()  # type: ignore[union-attr]
    lines = [worker.stdout.readline() for worker in workers]  # type: ignore[union-attr]
    for worker in workers:
        worker.communicate()
    return lines


def _print_cost(processes: int, calls: int) -> None:
    """Print the time of a booking and its end, far from the limit and up to the limit."""
    print("| processes | limit in 60 s | requests | µs a request | µs CPU |")
    print("|---|---|---|---|---|")
    for count in sorted({1, processes}):
        for limit in (10**9, 600, 60):
            share = max(1, min(calls, limit) // count)
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-c", COST, folder, str(limit), str(share)]
                lines = [line.split() for line in _run([command] * count)]
            done = sum(int(line[0]) for line in lines)
            wall, cpu = (1e6 * sum(float(line[i]) for line in lines) / done for i in (1, 2))
            print(f"| {count} | {limit} | {done} | {wall:.0f} | {cpu:.0f} |")
    print()


def _print(box: sf.Sandbox, counts: list[int], seconds: float, possible: int) -> None:
    times = sorted(datetime.fromisoformat(one.moment).timestamp() for one in box.requests)
    fullest = max(sum(first <= time < first + seconds for time in times) for first in times)
    refused = sum(one.status != 200 for one in box.requests)  # noqa: PLR2004 - OK
    share = sum(counts) / len(counts)
    print("| process | calls | of its fair share |\n|---|---|---|")
    for number, count in enumerate(counts, 1):
        print(f"| {number} | {count} | {count / share:.0%} |")
    total = sum(counts) - len(counts)  # each process sends one more call after the end
    print(f"\n{total} calls of {possible} ({total / possible:.3f}) in windows of ", end="")
    print(f"{seconds:g} s and 0.05 s of guard;")
    print(f"the fullest window of the server held {fullest}; it refused {refused}.")


if __name__ == "__main__":
    main()
