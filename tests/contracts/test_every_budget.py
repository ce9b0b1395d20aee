"""Every budget against its contract, and what several processes share."""

import os
import random
import sqlite3
import stat
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from itertools import product

import pytest
from stand_ins import Clock

import socialframe as sf
from contracts.budget_contract import (
    LATENCIES,
    LIMITERS,
    TIMEOUT,
    BudgetContract,
    Simulation,
    fullest_window,
    slow_first_call,
    steady,
)
from socialframe.http.budget import GUARD, Limit, MemoryBudget, Slot
from socialframe.http.fair_share import FairShare, ProcessUsage
from socialframe.http.shared_budget import SharedBudget

STRESS = os.environ.get("HYPOTHESIS_PROFILE") == "stress"


class TestMemory(BudgetContract):
    """A budget of this process."""

    def make(self, limit, clock, **options):
        return MemoryBudget(limit, clock=clock, **options)


class TestShared(BudgetContract):
    """A budget of all processes, in a file. A transaction of it takes a millisecond."""

    few = not STRESS

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.folder = tmp_path

    def make(self, limit, clock, **options):
        return process("one", self.folder, limit, clock, **options)


def process(name, folder, limit, clock, *, tenant="t", **options):
    """Return the budget as the process with this name has it."""
    return SharedBudget(
        lambda: folder, tenant, limit, clock=clock, process_name=lambda: name, **options
    )


def processes(count, folder, limit, clock):
    """Return the budget as each of several processes has it."""
    return [process(f"p{number}", folder, limit, clock) for number in range(count)]


class FairShareBudget:
    """One process of several that book by ``FairShare`` in lists, without a file."""

    def __init__(self, name, limit, clock, booked, queue):
        self.name = name
        self.limit = limit
        self.clock = clock
        self.booked = booked  # (process, slot)
        self.queue = queue  # when each waiting process returns, in the order of arrival

    def reserve(self, timeout):
        now, occupied = self.clock.now, self.limit.seconds + GUARD
        self.booked[:] = [one for one in self.booked if one[1].end + occupied > now]
        for name in [name for name, returns_at in self.queue.items() if returns_at < now]:
            del self.queue[name]
        slots = {}
        for name, slot in self.booked:
            slots.setdefault(name, []).append(slot)
        usage = {
            name: ProcessUsage(len(some), max(s.start for s in some), max(s.end for s in some))
            for name, some in slots.items()
        }
        share = FairShare(self.limit, usage, list(self.queue), now)
        over = share.used + share.queued_before(self.name) - self.limit.calls
        if over >= 0:
            ends = sorted(slot.end for _, slot in self.booked)
            wait = min(ends[min(over, len(ends) - 1)], now) + occupied - now
        else:
            wait = share.delay(self.name)
        if wait:
            self.queue[self.name] = now + wait + 1
            return None, wait
        self.queue.pop(self.name, None)
        slot = Slot(now, now + timeout)
        self.booked.append((self.name, slot))
        return slot, 0.0

    def end(self, slot):
        slot.end = self.clock.now


def group(kind, count, folder, limit, clock):
    """Return several processes that share a budget, in a file or by ``FairShare`` alone."""
    if kind == "file":
        return processes(count, folder, limit, clock)
    booked, queue = [], {}
    return [FairShareBudget(f"p{i}", limit, clock, booked, queue) for i in range(count)]


def minutes(kind):
    """Return for how many windows of a minute to simulate; a transaction takes a millisecond."""
    return 10 if STRESS or kind == "pure" else 4


def each_kind(names, every, few):
    """Parametrize every case by ``FairShare`` alone, and few of them, or all in stress, by file."""
    every = [case if isinstance(case, tuple) else (case,) for case in every]
    few = every if STRESS else [case if isinstance(case, tuple) else (case,) for case in few]
    rows = [("pure", *case) for case in every] + [("file", *case) for case in few]
    return pytest.mark.parametrize(("kind", *names), rows)


@each_kind(["latency"], LATENCIES, few=["slow-first", "tail-1"])
def test_several_processes_never_exceed_the_limit(tmp_path, kind, latency):
    """Four processes with two threads each."""
    clock = Clock()
    budgets = group(kind, 4, tmp_path, Limit(60, 60.0), clock)

    calls = 40 * minutes(kind)
    arrivals = Simulation(clock, LATENCIES[latency], calls=calls).run(budgets * 2).arrivals

    assert len(arrivals) == calls
    assert fullest_window(arrivals, 60.0) <= 60


@each_kind(
    ["limiter", "latency"],
    product(LIMITERS, LATENCIES),
    few=zip(LIMITERS, ["tail-0", "slow-first", "steady"], strict=True),
)
def test_no_limiter_refuses_a_request_of_several_processes(tmp_path, kind, limiter, latency):
    """Requests arrive at any moment between start and response."""
    clock = Clock()
    budgets = group(kind, 4, tmp_path, Limit(60, 60.0), clock)
    limiter = limiter(60, 60.0, clock)
    simulation = Simulation(clock, LATENCIES[latency], calls=40 * minutes(kind), limiter=limiter)

    assert simulation.run(budgets).refused == 0


@each_kind(["calls", "windows"], [(60, 10), (600, 2)], few=[(60, 4)])
def test_several_processes_use_99_percent_of_the_limit(tmp_path, kind, calls, windows):
    """With a slow first response."""
    clock = Clock()
    budgets, began = group(kind, 4, tmp_path, Limit(calls, 60.0), clock), clock.now

    Simulation(clock, slow_first_call, calls=windows * calls + 1).run(budgets)

    assert windows * 60.0 / (clock.now - began) >= 0.99


@each_kind(["late"], [0.0, 0.2], few=[0.2])
def test_waiting_processes_get_even_shares_and_use_all(tmp_path, kind, late):
    """Each gets at least 80 % of its share, although one used the whole limit before."""
    clock = Clock()
    budgets = group(kind, 4, tmp_path, Limit(60, 60.0), clock)
    Simulation(clock, steady, calls=60).run(budgets[:1])
    began = clock.now

    until = began + 60 * minutes(kind)
    simulation = Simulation(clock, lambda _: (0.02, 0.05 + late), until=until)
    started = simulation.run(budgets).started

    assert sum(started.values()) >= 0.99 * (minutes(kind) - 1) * 60
    assert all(count >= 0.8 * sum(started.values()) / 4 for count in started.values())


@each_kind(["burst"], [True, False], few=[True])
def test_a_process_with_eight_threads_gets_no_more_than_one_with_one(tmp_path, kind, burst):
    """Although it used the whole limit before; no slot stays unused."""
    clock = Clock()
    many, single = group(kind, 2, tmp_path, Limit(60, 60.0), clock)
    for _ in range(60):
        many.end(many.reserve(TIMEOUT)[0])
        clock.sleep(0 if burst else 1)
    began = clock.now

    simulation = Simulation(clock, lambda _: (0.02, 0.35), until=began + 60 * minutes(kind))
    started = simulation.run([many] * 8 + [single]).started

    total = sum(started.values())
    assert total >= 0.99 * (minutes(kind) - burst) * 60
    assert started[8] >= 0.8 * total / 2


@each_kind(["slow", "count"], [(0.7, 1), (1.0, 3)], few=[])
def test_processes_with_slow_responses_get_their_share(tmp_path, kind, slow, count):
    """Beside a process with eight threads that used the whole limit before."""
    clock = Clock()
    greedy, *others = group(kind, 1 + count, tmp_path, Limit(60, 60.0), clock)
    for _ in range(60):
        greedy.end(greedy.reserve(TIMEOUT)[0])
    simulation = Simulation(
        clock,
        lambda _: (0.9 * slow, slow) if simulation.worker < count else (0.02, 0.05),
        until=clock.now + 600,
    )

    started = simulation.run([*others, *[greedy] * 8]).started

    total = started.total()
    assert total >= 0.99 * 9 * 60
    assert all(started[worker] >= 0.8 * total / (1 + count) for worker in range(count))


@each_kind([], [()], few=[()])
def test_a_process_that_needs_less_than_its_share_leaves_the_rest(tmp_path, kind):
    """Its slow responses cost the other process nothing."""
    clock = Clock()
    slow, quick = group(kind, 2, tmp_path, Limit(60, 60.0), clock)
    simulation = Simulation(
        clock,
        lambda _: (3.0, 6.0) if simulation.worker == 0 else (0.02, 0.05),
        until=clock.now + 60 * minutes(kind),
    )

    started = simulation.run([slow, quick]).started

    assert started[0] >= 4 * minutes(kind)
    assert sum(started.values()) >= 0.99 * 60 * minutes(kind)


def test_waiting_processes_are_served_in_the_order_of_arrival(tmp_path):
    """A process that asks again is behind them."""
    clock = Clock()
    one, two, three = processes(3, tmp_path, Limit(1, 60.0), clock)
    one.end(one.reserve(TIMEOUT)[0])
    assert two.reserve(TIMEOUT)[1] == pytest.approx(60.05)
    assert three.reserve(TIMEOUT)[1] == pytest.approx(60.05)  # it cannot be sooner

    clock.sleep(60.05)

    assert one.reserve(TIMEOUT)[0] is None
    assert three.reserve(TIMEOUT)[0] is None
    assert two.reserve(TIMEOUT)[0] is not None


def test_a_process_that_leaves_the_queue_is_not_waited_for(tmp_path):
    """As after Ctrl-C."""
    clock = Clock()
    one, two, three = processes(3, tmp_path, Limit(1, 60.0), clock)
    one.end(one.reserve(TIMEOUT)[0])
    two.reserve(TIMEOUT)
    three.reserve(TIMEOUT)

    clock.sleep(60.05)
    two.leave()

    assert three.reserve(TIMEOUT)[0] is not None


def test_a_process_that_died_in_the_queue_is_waited_for_one_second(tmp_path):
    """Counted from its announced return."""
    clock = Clock()
    one, dead, two = processes(3, tmp_path, Limit(1, 60.0), clock)
    one.end(one.reserve(TIMEOUT)[0])
    dead.reserve(TIMEOUT)
    two.reserve(TIMEOUT)

    clock.sleep(60.05)
    assert two.reserve(TIMEOUT)[0] is None
    clock.sleep(1.01)
    assert two.reserve(TIMEOUT)[0] is not None


def test_the_request_of_a_process_that_died_counts_until_its_timeout_and_a_window(tmp_path):
    """Other slots are free as usual."""
    clock = Clock()
    dead, alive = processes(2, tmp_path, Limit(2, 60.0), clock)
    dead.reserve(TIMEOUT)
    alive.end(alive.reserve(TIMEOUT)[0])

    clock.sleep(60.05)
    assert alive.reserve(TIMEOUT)[0] is not None
    assert alive.reserve(TIMEOUT)[0] is None
    clock.sleep(TIMEOUT)
    assert alive.reserve(TIMEOUT)[0] is not None


def test_a_pause_holds_for_all_processes_of_the_tenant(tmp_path):
    """And for no other tenant."""
    clock = Clock()
    one, two = processes(2, tmp_path, Limit(60, 60.0), clock)
    other = process("p1", tmp_path, Limit(60, 60.0), clock, tenant="u")

    one.pause(30)

    assert two.reserve(TIMEOUT) == (None, pytest.approx(30))
    assert other.reserve(TIMEOUT)[0] is not None


def test_the_servers_limit_holds_for_all_processes(tmp_path):
    """Though only one got the response with it."""
    clock = Clock()
    one = process("one", tmp_path, Limit(60), clock, adapts=True)
    two = process("two", tmp_path, Limit(60), clock, adapts=True)

    one.update_limit(600)

    assert two.usage().limit.calls == 600


def test_a_limit_that_another_process_overwrote_is_written_again(tmp_path):
    """The latest response counts, whichever process got it."""
    clock = Clock()
    one = process("one", tmp_path, Limit(60), clock, adapts=True)
    two = process("two", tmp_path, Limit(60), clock, adapts=True)
    one.update_limit(60)
    two.update_limit(600)
    one.end(one.reserve(TIMEOUT)[0])

    one.update_limit(60)

    assert two.usage().limit.calls == one.usage().limit.calls == 60


def test_tenants_in_one_file_do_not_see_each_other(tmp_path):
    """Each has its own requests, queue and limit."""
    clock = Clock()
    one = process("one", tmp_path, Limit(1), clock)
    other = process("one", tmp_path, Limit(1), clock, tenant="u")
    one.reserve(TIMEOUT)
    one.reserve(TIMEOUT)

    assert other.usage().used == 0
    assert other.reserve(TIMEOUT)[0] is not None


def test_a_tenant_with_a_short_window_deletes_no_request_of_one_with_a_long_window(tmp_path):
    """Old requests are deleted by their own tenant."""
    clock = Clock()
    daily = process("one", tmp_path, Limit(2, 86400.0), clock, tenant="daily")
    for _ in range(2):
        daily.end(daily.reserve(TIMEOUT)[0])
    clock.sleep(4000)

    minutely = process("two", tmp_path, Limit(600), clock)
    for _ in range(200):
        minutely.end(minutely.reserve(TIMEOUT)[0])

    assert daily.usage().used == 2


def test_old_requests_are_deleted_though_tenants_take_turns(tmp_path):
    """The file stays small."""
    clock = Clock()
    budgets = [process("one", tmp_path, Limit(600), clock, tenant=name) for name in "tu"]
    for _ in range(500):
        for budget in budgets:
            budget.end(budget.reserve(TIMEOUT)[0])
        clock.sleep(60)

    db = sqlite3.connect(tmp_path / "budget.sqlite")
    counts = db.execute("SELECT count(*) FROM calls GROUP BY tenant").fetchall()
    db.close()

    assert all(count < 200 for (count,) in counts)


def test_usage_counts_the_processes_that_send_or_wait(tmp_path):
    """Until their requests leave the window."""
    clock = Clock()
    one, two, three = processes(3, tmp_path, Limit(2, 60.0), clock)
    one.end(one.reserve(TIMEOUT)[0])
    two.end(two.reserve(TIMEOUT)[0])
    assert one.usage().shared_by == 2
    three.reserve(TIMEOUT)

    assert one.usage().shared_by == 3
    clock.sleep(61.2)
    assert one.usage().shared_by == 1


def test_a_file_of_an_earlier_boot_is_replaced(tmp_path):
    """Its times have another origin."""
    clock = Clock()
    before = process("one", tmp_path, Limit(1), clock, boot="a")
    before.reserve(TIMEOUT)
    before.pause(500)

    after = process("two", tmp_path, Limit(1), clock, boot="b")

    assert after.usage().used == 0
    assert after.reserve(TIMEOUT)[0] is not None


def test_the_file_is_private_and_has_no_key(tmp_path):
    """Even with a umask of 0."""
    before = os.umask(0)
    try:
        process("one", tmp_path, Limit(1), Clock()).reserve(TIMEOUT)
    finally:
        os.umask(before)

    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"sk_" not in path.read_bytes()


def delete(path):
    """As a cleaner of temporary folders does."""
    path.unlink()


def overwrite(path):
    path.write_bytes(b"this is no database" * 1000)


def cut_off(path):
    path.write_bytes(path.read_bytes()[:5000])


def write_text_as_a_number(path):
    db = sqlite3.connect(path)
    db.execute("UPDATE tenants SET paused_until = 'soon'")
    db.commit()
    db.close()


def replace_by_another_format(path):
    path.unlink()
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE calls (other)")
    db.execute("PRAGMA user_version = 7")
    db.close()


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("harm", "warnings_seen"),
    [
        (delete, 0),
        (empty, 0),
        (replace_by_another_format, 0),
        (overwrite, 1),
        (cut_off, 1),
        (write_text_as_a_number, 1),
    ],
)
def test_a_new_file_gets_the_requests_that_this_process_knows(tmp_path, harm, warnings_seen):
    """Other processes see them there; a damaged file is set aside with a warning."""
    clock, path = Clock(), tmp_path / "budget.sqlite"
    budget, other = processes(2, tmp_path, Limit(4, 60.0), clock)
    under_way = budget.reserve(TIMEOUT)[0]
    budget.end(budget.reserve(TIMEOUT)[0])
    budget.pause(10)
    harm(path)
    damage = path.read_bytes() if path.exists() else b""

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert budget.reserve(TIMEOUT) == (None, 10)
    aside = [one for one in tmp_path.glob("*damaged*") if not one.name.endswith("-journal")]

    assert [one.category for one in caught] == [sf.BudgetWarning] * warnings_seen
    assert [one.read_bytes() for one in aside] == [damage] * warnings_seen
    assert other.usage().used == 2
    assert other.reserve(TIMEOUT) == (None, 10)
    clock.sleep(10)
    budget.end(under_way)
    assert [other.reserve(TIMEOUT)[0] is None for _ in range(3)] == [False, False, True]
    clock.sleep(50.05)
    assert budget.usage().used == 3  # the first ended a window ago, the second 10 s later


def test_damage_in_the_schema_sets_the_file_aside(tmp_path):
    """One warning; the next process uses the new file."""
    clock, path = Clock(), tmp_path / "budget.sqlite"
    process("one", tmp_path, Limit(5, 60.0), clock).reserve(TIMEOUT)
    path.write_bytes(path.read_bytes().replace(b"server_calls INT", b"server_cells INT"))

    with pytest.warns(sf.BudgetWarning, match="was damaged"):
        process("two", tmp_path, Limit(5, 60.0), clock).reserve(TIMEOUT)
    assert process("three", tmp_path, Limit(5, 60.0), clock).usage().used == 1


@pytest.mark.parametrize("seed", range(40))
def test_random_damage_is_no_error(tmp_path, seed):
    """The limit holds, with at most one warning."""
    dice = random.Random(seed)  # noqa: S311 - seeded damage
    clock, path = Clock(), tmp_path / "budget.sqlite"
    budget = process("one", tmp_path, Limit(5, 60.0), clock)
    for _ in range(3):
        budget.end(budget.reserve(TIMEOUT)[0])
    bytes_ = bytearray(path.read_bytes())
    for _ in range(dice.choice([1, 20, 2000])):
        bytes_[dice.randrange(len(bytes_))] = dice.randrange(256)
    path.write_bytes(bytes_)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        slots = [budget.reserve(TIMEOUT)[0] for _ in range(9)]
        for slot in slots:
            if slot:
                budget.end(slot)
        budget.usage()
        budget.leave()

    assert sum(slot is not None for slot in slots) <= 5
    assert [one.category for one in caught] in ([], [sf.BudgetWarning])


@contextmanager
def unusable(path):
    """Put a folder in the place of the file; the same file comes back afterwards."""
    aside = path.with_name("aside")
    if path.exists():
        path.rename(aside)
    path.mkdir()
    yield
    path.rmdir()
    if aside.exists():
        aside.rename(path)


def test_without_the_file_the_limit_holds_in_this_process_after_one_warning(tmp_path):
    """Earlier requests count."""
    clock, path = Clock(), tmp_path / "budget.sqlite"
    budget = process("one", tmp_path, Limit(3, 60.0), clock)
    budget.end(budget.reserve(TIMEOUT)[0])
    path.unlink()
    path.mkdir()

    with pytest.warns(sf.BudgetWarning, match="other processes do not see") as caught:
        slots = [budget.reserve(TIMEOUT)[0] for _ in range(3)]

    assert [slot is None for slot in slots] == [False, False, True]
    assert len(caught) == 1
    budget.end(slots[0])
    budget.pause(100)
    budget.update_limit(2)
    budget.leave()
    assert budget.usage().used == 3
    assert budget.usage().next_free == 100
    assert budget.seconds_until(1) == 100


def test_requests_made_without_the_file_are_written_a_minute_later(tmp_path):
    """Without another warning."""
    clock, path = Clock(), tmp_path / "budget.sqlite"
    budget, other = processes(2, tmp_path, Limit(4, 90.0), clock)
    with unusable(path), pytest.warns(sf.BudgetWarning):
        budget.end(budget.reserve(TIMEOUT)[0])
    clock.sleep(59)
    budget.end(budget.reserve(TIMEOUT)[0])
    assert other.usage().used == 0

    clock.sleep(1)
    budget.end(budget.reserve(TIMEOUT)[0])

    assert other.usage().used == 3
    assert budget.usage().used == 3


def test_an_end_that_the_file_missed_is_written_a_minute_later(tmp_path):
    """Its slot is free a window after the response, not after the timeout."""
    clock, path = Clock(), tmp_path / "budget.sqlite"
    budget, other = processes(2, tmp_path, Limit(1, 90.0), clock)
    slot, _ = budget.reserve(TIMEOUT)
    with unusable(path), pytest.warns(sf.BudgetWarning):
        budget.end(slot)

    clock.sleep(60)
    budget.usage()
    clock.sleep(30.05)

    assert other.usage().used == 0


def test_a_pause_that_the_file_missed_is_written_though_the_warning_was_an_error(tmp_path):
    """A minute later."""
    clock, path = Clock(), tmp_path / "budget.sqlite"
    budget, other = processes(2, tmp_path, Limit(4, 60.0), clock)
    budget.usage()
    with unusable(path), warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(sf.BudgetWarning):
            budget.pause(100)

    clock.sleep(60)
    budget.usage()

    assert other.reserve(TIMEOUT) == (None, pytest.approx(40))


def test_without_any_folder_the_budget_is_of_this_process_after_one_warning():
    """The limit holds in it."""

    def find_folder():
        raise PermissionError("no folder")

    budget = SharedBudget(find_folder, "t", Limit(1), clock=Clock())

    with pytest.warns(sf.BudgetWarning, match="no folder"):
        assert budget.reserve(TIMEOUT)[0] is not None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert budget.reserve(TIMEOUT)[0] is None


HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.mark.processes
def test_a_locked_file_costs_two_seconds_and_a_warning(tmp_path):
    """Once a minute; later operations do without it at once."""
    clock, path = Clock(), tmp_path / "budget.sqlite"
    budget, other = processes(2, tmp_path, Limit(3, 90.0), clock)
    budget.end(budget.reserve(TIMEOUT)[0])
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        holder.stdout.readline()
        began = time.monotonic()
        with pytest.warns(sf.BudgetWarning, match="locked"):
            budget.end(budget.reserve(TIMEOUT)[0])
        assert [budget.reserve(TIMEOUT)[0] is None for _ in range(2)] == [False, True]
        assert 1.5 < time.monotonic() - began < 3
    finally:
        holder.communicate(b"go")

    clock.sleep(60)
    assert budget.reserve(TIMEOUT)[0] is None
    assert other.usage().used == 3


FULL = """
import resource, sys, warnings
from pathlib import Path
from socialframe.http.budget import Limit
from socialframe.http.shared_budget import SharedBudget
folder, space = Path(sys.argv[1]), int(sys.argv[2])
now = [0.0]
budget = SharedBudget(lambda: folder, "t", Limit(1000), clock=lambda: now[0])
budget.end(budget.reserve(30.0)[0]) if space else None
file = folder / "budget.sqlite"
largest = file.stat().st_size + space if space else 0
resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(800):
        now[0] += 0.07  # or else they share a row
        slot, _ = budget.reserve(30.0)
        budget.end(slot)
    print(budget.usage().used, [one.category.__name__ for one in caught])
"""


@pytest.mark.parametrize("space", [0, 1, 9000])
@pytest.mark.processes
def test_a_full_disk_costs_a_warning_and_no_request(tmp_path, space):
    """The disk is full from the first byte on, or later; the file is not damaged by it."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path, str(space)],
        capture_output=True,
        text=True,
        check=False,
    )

    used = 800 + bool(space)
    assert (done.stdout, done.stderr) == (f"{used} ['BudgetWarning']\n", "")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        after = SharedBudget(lambda: tmp_path, "t", Limit(1000))
        assert after.reserve(TIMEOUT)[0] is not None
