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

SOCIALFRAME, PYRATE = "socialframe", "pyrate-limiter, SQLite"
_LIMIT = 60  # calls a window of the free tier
_CALLS = 3000  # the most of a process, to time the budget
#: Sends calls until the time is over, with a client that defines ``send``.
_WORK = """
import sys, time
key, url, folder = sys.argv[1:4]
window, seconds = map(float, sys.argv[4:])
{client}
print("ready", flush=True)
sys.stdin.readline()
calls, end = 0, time.monotonic() + seconds
while time.monotonic() < end:
    send()
    calls += 1
print(calls, flush=True)
"""
_PYRATE = """
from pyrate_limiter import Limiter, Rate, SQLiteBucket
def limiter(calls, seconds):
    rates = [Rate(calls, int(1000 * seconds))]
    path = folder + "/pyrate.sqlite"
    return Limiter(SQLiteBucket.init_from_file(rates, db_path=path, use_file_lock=True))
"""
CLIENTS = {
    SOCIALFRAME: """
import socialframe as sf
from socialframe.messages.call import Call
api = sf.Client(key, base_url=url, tier=sf.Limit(60, window))
def send():
    api._send(Call("/v1/accounts"))
""",
    PYRATE: f"""
import httpx
{_PYRATE}
bucket = limiter(60, window)
http = httpx.Client(base_url=url, headers={{"Authorization": "Bearer " + key}}, trust_env=False)
def send():
    bucket.try_acquire("calls")
    http.get("/v1/accounts")
""",
}
#: Books calls without sending them; ``book`` returns False if there is no slot.
_COST = """
import sys, time
from pathlib import Path
folder, limit, calls = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
{book}
print("ready", flush=True)
sys.stdin.readline()
began, spent = time.perf_counter(), time.process_time()
for done in range(calls):
    if not book():
        break
seconds, cpu = time.perf_counter() - began, time.process_time() - spent
print(1e6 * seconds / (done + 1), 1e6 * cpu / (done + 1), flush=True)
"""
BOOKINGS = {
    SOCIALFRAME: """
from socialframe.http.budget import Limit
from socialframe.http.shared_budget import SharedBudget
budget = SharedBudget(lambda: Path(folder), "tenant", Limit(limit))
budget.usage()
def book():
    slot, _ = budget.reserve(30.0)
    if slot is not None:
        budget.end(slot)
    return slot is not None
""",
    PYRATE: f"""
{_PYRATE}
bucket = limiter(limit, 60)
def book():
    return bucket.try_acquire("calls")
""",
}


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


def share(*, windows: int, seconds: float, processes: int, method: str = SOCIALFRAME) -> Shared:
    """Return how processes shared a budget that all of them want.

    Parameters
    ----------
    windows, processes : int
        How long, and how many.
    seconds : float
        Length of a window.
    method : str
        A key of ``CLIENTS``.
    """
    box = sf.Sandbox(tier="free", window_seconds=seconds)
    duration = (windows - 1) * (seconds + GUARD) + 0.5 * seconds
    with box.serve() as url, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        arguments = [box.key, url, folder, str(seconds), str(duration)]
        script = _WORK.format(client=CLIENTS[method])
        counts = [int(line) for line in _together(script, arguments, processes)]
    times = sorted(datetime.fromisoformat(one.moment).timestamp() for one in box.requests)
    fullest = max(sum(first <= one < first + seconds for one in times) for first in times)
    refused = sum(one.status != 200 for one in box.requests)  # noqa: PLR2004 - OK
    ended = [count - 1 for count in counts]  # each process sends one more call after the end
    return Shared(ended, _LIMIT * windows, fullest / _LIMIT, refused)


def cost(*, processes: int, limit: int, method: str = SOCIALFRAME) -> tuple[float, float]:
    """Return what the budget takes for a call, until the limit is used up.

    Parameters
    ----------
    processes : int
        How many of them book calls at once.
    limit : int
        Calls in 60 seconds.
    method : str
        A key of ``BOOKINGS``.

    Returns
    -------
    tuple of float
        Microseconds that a call waits for its booking, and those of the processor.
    """
    calls = min(_CALLS, limit // processes)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o700)
        script = _COST.format(book=BOOKINGS[method])
        lines = _together(script, [folder, str(limit), str(calls)], processes)
    waits, cpu = zip(*(map(float, line.split()) for line in lines), strict=True)
    return sum(waits) / processes, sum(cpu) / processes


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
    print("| processes | calls in 60 s | µs a call | of the processor |\n|---|---|---|---|")
    for processes in sorted({1, given.processes}):
        for limit in (10**9, 600, 60):
            wait, cpu = cost(processes=processes, limit=limit)
            print(f"| {processes} | {limit:,} | {wait:.0f} | {cpu:.0f} |")
    one = share(windows=given.windows, seconds=given.seconds, processes=given.processes)
    mean = sum(one.counts) / len(one.counts) or 1
    print("\n| process | calls | of its fair share |\n|---|---|---|")
    for number, count in enumerate(one.counts, 1):
        print(f"| {number} | {count} | {count / mean:.0%} |")
    print(f"\n{sum(one.counts)} calls in {given.windows} windows of {given.seconds:g} s, which is")
    print(f"{one.use:.3f} of the limit; the fullest window of the server held {one.fullest:.2f} of")
    print(f"it; it refused {one.refused}.")


if __name__ == "__main__":
    main()
