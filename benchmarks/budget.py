"""Measures how several processes share the budget of one key, against the sandbox.

    python benchmarks/budget.py --windows 5 --seconds 60 --processes 4

Prints the requests of each process, the fullest window, and how many the server refused.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from datetime import datetime

import socialframe as sf

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


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0, help="of a window")
    parser.add_argument("--processes", type=int, default=4)
    given = parser.parse_args()
    box = sf.Sandbox(tier="free", window_seconds=given.seconds)
    duration = (given.windows - 1) * (given.seconds + 0.05) + 0.5 * given.seconds
    with box.serve() as url:
        command = [sys.executable, "-c", WORK, box.key, url, str(given.seconds), str(duration)]
        workers = [
            subprocess.Popen(  # noqa: S603 - this Python
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(given.processes)
        ]
        outs = [worker.stdout for worker in workers if worker.stdout is not None]
        for out in outs:
            out.readline()
        for worker in workers:
            worker.stdin.write("go\n")  # type: ignore[union-attr]  # it is a pipe
            worker.stdin.flush()  # type: ignore[union-attr]
        counts = [int(out.readline()) for out in outs]
        for worker in workers:
            worker.communicate()
    _print(box, counts, given.seconds, given.windows)


def _print(box: sf.Sandbox, counts: list[int], seconds: float, windows: int) -> None:
    times = sorted(datetime.fromisoformat(one.moment).timestamp() for one in box.requests)
    fullest = max(sum(first <= time < first + seconds for time in times) for first in times)
    refused = sum(one.status != 200 for one in box.requests)  # noqa: PLR2004 - OK
    share = sum(counts) / len(counts)
    print("| process | calls | of its fair share |\n|---|---|---|")
    for number, count in enumerate(counts, 1):
        print(f"| {number} | {count} | {count / share:.0%} |")
    total = sum(counts) - len(counts)  # each process sends one more call after the end
    print(f"\n{total} calls of {60 * windows} in {windows} windows of {seconds:g} s;")
    print(f"the fullest window of the server held {fullest}; it refused {refused}.")


if __name__ == "__main__":
    main()
