"""Every budget store against the one contract, and what several processes share."""

import os
import random
import sqlite3
import stat
import subprocess
import sys
import time
import warnings

import pytest
from stand_ins import Clock

import socialframe as sf
from contracts.budget_contract import (
    LASTS,
    LATENCIES,
    LIMITERS,
    BudgetContract,
    Simulation,
    fullest_window,
    slow_first_call,
    steady,
)
from socialframe.http.budget import Limit, MemoryBudget
from socialframe.http.shared_budget import SharedBudget


class TestMemory(BudgetContract):
    """In this process alone."""

    def make(self, limit, clock, **more):
        return MemoryBudget(limit, clock=clock, **more)


class TestShared(BudgetContract):
    """Of all processes, in a file."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.folder = tmp_path

    def make(self, limit, clock, **more):
        return process("one", self.folder, limit, clock, **more)


def process(name, folder, limit, clock, **more):
    """Return the budget as a process of that name has it."""
    return SharedBudget(
        lambda: folder, more.pop("tenant", "t"), limit, clock=clock, process=lambda: name, **more
    )


def processes(count, folder, limit, clock):
    """Return the budget as each of several processes has it."""
    return [process(f"p{number}", folder, limit, clock) for number in range(count)]


@pytest.mark.parametrize("latency", LATENCIES.values(), ids=LATENCIES)
def test_processes_together_are_never_above_the_limit(tmp_path, latency):
    """As the server counts."""
    clock = Clock()
    budgets = processes(4, tmp_path, Limit(60, 60.0), clock)

    arrivals = Simulation(clock, latency, calls=400).run(budgets * 2).arrivals

    assert len(arrivals) == 400
    assert fullest_window(arrivals, 60.0) <= 60


@pytest.mark.parametrize("latency", LATENCIES.values(), ids=LATENCIES)
@pytest.mark.parametrize("kind", LIMITERS)
def test_no_limiter_refuses_a_call_of_several_processes(tmp_path, kind, latency):
    """However it counts, and wherever between start and answer a call arrives."""
    clock = Clock()
    budgets = processes(4, tmp_path, Limit(60, 60.0), clock)
    limiter = kind(60, 60.0, clock)

    assert Simulation(clock, latency, calls=400, limiter=limiter).run(budgets).refused == 0


@pytest.mark.parametrize(("calls", "windows"), [(60, 10), (600, 2)])
def test_several_processes_use_nearly_all_of_the_budget(tmp_path, calls, windows):
    """While work waits, with a slow first call."""
    clock = Clock()
    budgets, began = processes(4, tmp_path, Limit(calls, 60.0), clock), clock.now

    Simulation(clock, slow_first_call, calls=windows * calls + 1).run(budgets)

    assert windows * 60.0 / (clock.now - began) >= 0.99


@pytest.mark.parametrize("late", [0.0, 0.2], ids=["punctual", "late"])
def test_processes_that_wait_share_fairly_and_use_all(tmp_path, late):
    """Each gets at least 80 % of its share, also when one was there before the others."""
    clock = Clock()
    budgets = processes(4, tmp_path, Limit(60, 60.0), clock)
    Simulation(clock, steady, calls=60).run(budgets[:1])
    began = clock.now

    simulation = Simulation(clock, lambda _: (0.02, 0.05 + late), until=began + 600)
    started = simulation.run(budgets).started

    assert sum(started.values()) >= 0.99 * 9 * 60
    assert all(count >= 0.8 * sum(started.values()) / 4 for count in started.values())


@pytest.mark.parametrize("burst", [True, False], ids=["at-once", "one-by-one"])
def test_a_process_with_many_threads_gets_no_more_than_one_with_one(tmp_path, burst):
    """Also where it had all places before, and nothing is lost by it."""
    clock = Clock()
    many, single = processes(2, tmp_path, Limit(60, 60.0), clock)
    for _ in range(60):
        many.end(many.reserve(LASTS)[0])
        clock.sleep(0 if burst else 1)
    began = clock.now

    simulation = Simulation(clock, lambda _: (0.02, 0.35), until=began + 600)
    started = simulation.run([many] * 8 + [single]).started

    total = sum(started.values())
    assert total >= 0.99 * (9 if burst else 10) * 60
    assert started[8] >= 0.8 * total / 2


@pytest.mark.parametrize(("slow", "count"), [(0.7, 1), (1.0, 3)])
def test_processes_with_slow_calls_get_their_share_beside_a_greedy_one(tmp_path, slow, count):
    """That has many threads and had all places before; nothing is lost by it."""
    clock = Clock()
    greedy, *others = processes(1 + count, tmp_path, Limit(60, 60.0), clock)
    for _ in range(60):
        greedy.end(greedy.reserve(LASTS)[0])
    simulation = Simulation(
        clock,
        lambda _: (0.9 * slow, slow) if simulation.worker < count else (0.02, 0.05),
        until=clock.now + 600,
    )

    started = simulation.run([*others, *[greedy] * 8]).started

    total = started.total()
    assert total >= 0.99 * 9 * 60
    assert all(started[worker] >= 0.8 * total / (1 + count) for worker in range(count))


def test_a_process_that_needs_less_than_its_share_leaves_the_rest_to_others(tmp_path):
    """Slow calls of one cost the other nothing."""
    clock = Clock()
    slow, quick = processes(2, tmp_path, Limit(60, 60.0), clock)
    simulation = Simulation(
        clock,
        lambda _: (3.0, 6.0) if simulation.worker == 0 else (0.02, 0.05),
        until=clock.now + 600,
    )

    started = simulation.run([slow, quick]).started

    assert started[0] >= 40
    assert sum(started.values()) >= 0.99 * 600


def test_who_came_first_is_served_first(tmp_path):
    """Who asks again in between is behind."""
    clock = Clock()
    one, two, three = processes(3, tmp_path, Limit(1, 60.0), clock)
    one.end(one.reserve(LASTS)[0])
    assert two.reserve(LASTS)[1] == pytest.approx(60.05)
    assert three.reserve(LASTS)[1] == pytest.approx(60.05)  # it cannot be sooner

    clock.sleep(60.05)

    assert one.reserve(LASTS)[0] is None
    assert three.reserve(LASTS)[0] is None
    assert two.reserve(LASTS)[0] is not None


def test_who_leaves_the_queue_is_not_waited_for(tmp_path):
    """As after Ctrl-C."""
    clock = Clock()
    one, two, three = processes(3, tmp_path, Limit(1, 60.0), clock)
    one.end(one.reserve(LASTS)[0])
    two.reserve(LASTS)
    three.reserve(LASTS)

    clock.sleep(60.05)
    two.leave()

    assert three.reserve(LASTS)[0] is not None


def test_who_died_in_the_queue_is_waited_for_a_second(tmp_path):
    """Counted from when it should have come back."""
    clock = Clock()
    one, dead, two = processes(3, tmp_path, Limit(1, 60.0), clock)
    one.end(one.reserve(LASTS)[0])
    dead.reserve(LASTS)
    two.reserve(LASTS)

    clock.sleep(60.05)
    assert two.reserve(LASTS)[0] is None
    clock.sleep(1.01)
    assert two.reserve(LASTS)[0] is not None


def test_who_died_in_a_call_costs_that_call(tmp_path):
    """Until its time-out and a window are over; the others go on."""
    clock = Clock()
    dead, alive = processes(2, tmp_path, Limit(2, 60.0), clock)
    dead.reserve(LASTS)
    alive.end(alive.reserve(LASTS)[0])

    clock.sleep(60.05)
    assert alive.reserve(LASTS)[0] is not None
    assert alive.reserve(LASTS)[0] is None
    clock.sleep(LASTS)
    assert alive.reserve(LASTS)[0] is not None


def test_a_pause_of_one_process_holds_for_all_of_the_tenant(tmp_path):
    """And for no other tenant."""
    clock = Clock()
    one, two = processes(2, tmp_path, Limit(60, 60.0), clock)
    other = process("p1", tmp_path, Limit(60, 60.0), clock, tenant="u")

    one.pause(30)

    assert two.reserve(LASTS) == (None, pytest.approx(30))
    assert other.reserve(LASTS)[0] is not None


def test_what_one_process_learns_all_know(tmp_path):
    """Of the server's limit."""
    clock = Clock()
    one = process("one", tmp_path, Limit(60), clock, adapts=True)
    two = process("two", tmp_path, Limit(60), clock, adapts=True)

    one.learn(600)

    assert two.usage().limit.calls == 600


def test_tenants_in_one_file_do_not_see_each_other(tmp_path):
    """Each has its own calls, queue and limit."""
    clock = Clock()
    one = process("one", tmp_path, Limit(1), clock)
    other = process("one", tmp_path, Limit(1), clock, tenant="u")
    one.reserve(LASTS)
    one.reserve(LASTS)

    assert other.usage().used == 0
    assert other.reserve(LASTS)[0] is not None


def test_it_is_known_how_many_share_it(tmp_path):
    """Those with a call in the window, and those that wait."""
    clock = Clock()
    one, two, three = processes(3, tmp_path, Limit(2, 60.0), clock)
    one.end(one.reserve(LASTS)[0])
    two.end(two.reserve(LASTS)[0])
    assert one.usage().shared_by == 2
    three.reserve(LASTS)

    assert one.usage().shared_by == 3
    clock.sleep(61.2)
    assert one.usage().shared_by == 1


def test_a_file_of_an_earlier_boot_is_not_believed(tmp_path):
    """Its moments mean nothing any more."""
    clock = Clock()
    before = process("one", tmp_path, Limit(1), clock, boot="a")
    before.reserve(LASTS)
    before.pause(500)

    after = process("two", tmp_path, Limit(1), clock, boot="b")

    assert after.usage().used == 0
    assert after.reserve(LASTS)[0] is not None


def test_the_file_is_the_users_alone_and_names_no_key(tmp_path):
    """Whatever the umask is."""
    before = os.umask(0)
    try:
        process("one", tmp_path, Limit(1), Clock()).reserve(LASTS)
    finally:
        os.umask(before)

    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"sk_" not in path.read_bytes()


def gone(path):
    """As by what cleans temporary folders."""
    path.unlink()


def no_database(path):
    path.write_bytes(b"this is no database" * 1000)


def torn(path):
    path.write_bytes(path.read_bytes()[:5000])


def no_numbers(path):
    db = sqlite3.connect(path)
    db.execute("UPDATE tenants SET until = 'soon'")
    db.commit()
    db.close()


def older(path):
    path.unlink()
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE calls (other)")
    db.execute("PRAGMA user_version = 7")
    db.close()


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("harm", "warnings_seen"),
    [(gone, 0), (empty, 0), (older, 0), (no_database, 1), (torn, 1), (no_numbers, 1)],
)
def test_a_file_of_no_use_is_begun_anew_with_the_calls_that_are_known(
    tmp_path, harm, warnings_seen
):
    """Nothing is let loose; a damaged file is set aside; other processes see it as before."""
    clock, path = Clock(), tmp_path / "budget.sqlite"
    budget, other = processes(2, tmp_path, Limit(4, 60.0), clock)
    under_way = budget.reserve(LASTS)[0]
    budget.end(budget.reserve(LASTS)[0])
    budget.pause(10)
    harm(path)
    damage = path.read_bytes() if path.exists() else b""

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert budget.reserve(LASTS) == (None, 10)
    aside = [one for one in tmp_path.iterdir() if "damaged" in one.name]

    assert [one.category for one in caught] == [sf.BudgetWarning] * warnings_seen
    assert [one.read_bytes() for one in aside] == [damage] * warnings_seen
    assert other.usage().used == 2
    assert other.reserve(LASTS) == (None, 10)
    clock.sleep(10)
    budget.end(under_way)
    assert [other.reserve(LASTS)[0] is None for _ in range(3)] == [False, False, True]
    clock.sleep(50.05)
    assert budget.usage().used == 3  # the first of all is over; that under way ended 10 s later


@pytest.mark.parametrize("seed", range(40))
def test_no_damage_is_an_error(tmp_path, seed):
    """Some bytes of it are others; the limit holds, and one warning at most."""
    dice = random.Random(seed)  # noqa: S311 - seeded damage
    clock, path = Clock(), tmp_path / "budget.sqlite"
    budget = process("one", tmp_path, Limit(5, 60.0), clock)
    for _ in range(3):
        budget.end(budget.reserve(LASTS)[0])
    bytes_ = bytearray(path.read_bytes())
    for _ in range(dice.choice([1, 20, 2000])):
        bytes_[dice.randrange(len(bytes_))] = dice.randrange(256)
    path.write_bytes(bytes_)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        slots = [budget.reserve(LASTS)[0] for _ in range(9)]
        for slot in slots:
            if slot:
                budget.end(slot)
        budget.usage()
        budget.leave()

    assert sum(slot is not None for slot in slots) <= 5
    assert [one.category for one in caught] in ([], [sf.BudgetWarning])


def test_a_file_that_cannot_be_used_is_said_once_and_done_without(tmp_path):
    """A folder is in its place. The limit holds here, with the calls that were made before."""
    clock, path = Clock(), tmp_path / "budget.sqlite"
    budget = process("one", tmp_path, Limit(3, 60.0), clock)
    budget.end(budget.reserve(LASTS)[0])
    path.unlink()
    path.mkdir()

    with pytest.warns(sf.BudgetWarning, match="other processes do not see") as caught:
        slots = [budget.reserve(LASTS)[0] for _ in range(3)]

    assert [slot is None for slot in slots] == [False, False, True]
    assert len(caught) == 1
    budget.end(slots[0])
    budget.pause(100)
    budget.learn(2)
    budget.leave()
    assert budget.usage().used == 3
    assert budget.usage().next_free == 100
    assert budget.takes(1) == 100


def test_a_file_that_can_be_used_again_learns_of_the_calls_meanwhile(tmp_path):
    """A minute later, without a word."""
    clock, path = Clock(), tmp_path / "budget.sqlite"
    budget, other = processes(2, tmp_path, Limit(4, 90.0), clock)
    path.mkdir()
    with pytest.warns(sf.BudgetWarning):
        budget.end(budget.reserve(LASTS)[0])
    path.rmdir()
    clock.sleep(59)
    budget.end(budget.reserve(LASTS)[0])
    assert other.usage().used == 0

    clock.sleep(1)
    budget.end(budget.reserve(LASTS)[0])

    assert other.usage().used == 3
    assert budget.usage().used == 3


def test_without_any_folder_it_is_this_process_alone():
    """Said once."""

    def nowhere():
        raise PermissionError("no folder")

    budget = SharedBudget(nowhere, "t", Limit(1), clock=Clock())

    with pytest.warns(sf.BudgetWarning, match="no folder"):
        assert budget.reserve(LASTS)[0] is not None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert budget.reserve(LASTS)[0] is None


HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.mark.processes
def test_a_file_that_another_process_holds_locked_costs_two_seconds_and_a_warning(tmp_path):
    """Once a minute; not an error, and not a wait for ever."""
    clock, path = Clock(), tmp_path / "budget.sqlite"
    budget, other = processes(2, tmp_path, Limit(3, 90.0), clock)
    budget.end(budget.reserve(LASTS)[0])
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        holder.stdout.readline()
        began = time.monotonic()
        with pytest.warns(sf.BudgetWarning, match="locked"):
            budget.end(budget.reserve(LASTS)[0])
        assert [budget.reserve(LASTS)[0] is None for _ in range(2)] == [False, True]
        assert 1.5 < time.monotonic() - began < 3
    finally:
        holder.communicate(b"go")

    clock.sleep(60)
    assert budget.reserve(LASTS)[0] is None
    assert other.usage().used == 3


FULL = """
import resource, sys, warnings
from pathlib import Path
from socialframe.http.budget import Limit
from socialframe.http.shared_budget import SharedBudget
folder, room = Path(sys.argv[1]), int(sys.argv[2])
budget = SharedBudget(lambda: folder, "t", Limit(1000))
budget.end(budget.reserve(30.0)[0]) if room else None
file = folder / "budget.sqlite"
most = file.stat().st_size + room if room else 0
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(800):
        slot, _ = budget.reserve(30.0)
        budget.end(slot)
    print(budget.usage().used, [one.category.__name__ for one in caught])
"""


@pytest.mark.parametrize("room", [0, 1, 9000], ids=["none", "hardly-any", "a-little"])
@pytest.mark.processes
def test_a_full_disk_costs_a_warning_and_no_call(tmp_path, room):
    """From the first byte on, or later; the file is whole for those who come after."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path, str(room)],
        capture_output=True,
        text=True,
        check=False,
    )

    used = 800 + bool(room)
    assert (done.stdout, done.stderr) == (f"{used} ['BudgetWarning']\n", "")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        after = SharedBudget(lambda: tmp_path, "t", Limit(1000))
        assert after.reserve(LASTS)[0] is not None
