"""Blocks of slots that a process reserves in the shared budget and takes without the file."""

import signal
import sqlite3
import subprocess
import sys
import time
from threading import Thread

import pytest
from stand_ins import Clock

import socialframe as sf
from socialframe.http.budget import Limit
from socialframe.http.fair_share import FairShare, ProcessUsage
from socialframe.http.shared_budget import SharedBudget
from socialframe.messages.call import Call

TIMEOUT = 35.0


def processes(folder, limit, clock, count=2):
    """Return the budget as each of several processes has it."""
    return [
        SharedBudget(lambda: folder, "t", limit, clock=clock, process_name=lambda name=name: name)
        for name in map(str, range(count))
    ]


def send(budget, calls=1):
    """Send requests that end at once."""
    for _ in range(calls):
        budget.end(budget.reserve(TIMEOUT)[0])


def send_until_it_has_a_block(budget, other, least=1):
    """Return the number of requests after which another process sees reserved slots."""
    for number in range(1, 50):
        send(budget)
        if number >= least and other.usage().used > number:
            return number
    raise AssertionError("no block")


def rows(folder):
    db = sqlite3.connect(folder / "budget.sqlite")
    found = db.execute("SELECT (SELECT count(*) FROM calls), (SELECT count(*) FROM blocks)")
    counts = found.fetchone()
    db.close()
    return counts


@pytest.mark.parametrize("calls", [10**5, 10**9])
def test_many_fast_requests_far_from_the_limit_write_few_rows(tmp_path, calls):
    """One of them is the block in use."""
    clock = Clock()
    budget, other = processes(tmp_path, Limit(calls), clock)

    for _ in range(2000):
        send(budget)
        clock.sleep(0.0001)
    written, blocks = rows(tmp_path)

    assert written + blocks < 40
    assert budget.usage().used == other.usage().used == 2000


def test_a_process_that_sends_slowly_reserves_no_block(tmp_path):
    """Another process sees the exact number at any time."""
    clock = Clock()
    budget, other = processes(tmp_path, Limit(600), clock)

    for number in range(1, 20):
        send(budget)
        assert other.usage().used == number
        clock.sleep(0.1)


def test_given_back_slots_are_free_for_other_processes(tmp_path):
    """As when a client is closed."""
    clock = Clock()
    budget, other = processes(tmp_path, Limit(100), clock)
    sent = send_until_it_has_a_block(budget, other)

    budget.give_back()

    assert (other.usage().used, other.usage().left) == (sent, 100 - sent)


def test_the_process_with_a_block_sees_only_its_requests_as_used(tmp_path):
    """It gives the block back to say so."""
    clock = Clock()
    budget, other = processes(tmp_path, Limit(100), clock)
    sent = send_until_it_has_a_block(budget, other)

    assert (budget.usage().used, budget.usage().left) == (sent, 100 - sent)
    assert budget.seconds_until(100 - sent) == 0.0


def test_requests_of_a_block_end_when_their_responses_came(tmp_path):
    """Their slots are free one window later, for every process."""
    clock = Clock()
    budget, other = processes(tmp_path, Limit(100), clock)
    send_until_it_has_a_block(budget, other)
    slots = [budget.reserve(TIMEOUT)[0] for _ in range(3)]
    clock.sleep(0.01)
    budget.end(slots[0])
    budget.usage()  # writes them
    clock.sleep(1)
    budget.end(slots[1])

    clock.sleep(59.05)
    assert other.usage().used == 2
    clock.sleep(1.0)
    assert other.usage().used == 1
    clock.sleep(TIMEOUT)
    assert other.usage().used == 0


@pytest.mark.parametrize("calls", [60, 600])
def test_blocks_shrink_near_the_limit_and_never_exceed_it(tmp_path, calls):
    """At the end each request is booked alone; all slots can be used."""
    clock = Clock()
    budget, other = processes(tmp_path, Limit(calls), clock)
    reserved = []

    for number in range(1, calls + 1):
        slot, _ = budget.reserve(TIMEOUT)
        assert slot is not None
        if number % 7 == 0 or number > calls - 4:
            reserved.append(other.usage().used - number)

    assert budget.reserve(TIMEOUT)[0] is None
    assert 0 <= max(reserved) <= calls / 4
    assert reserved[-4:] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("used", "others", "queue", "size"),
    [
        (0, 0, [], 150),
        (300, 0, [], 75),
        (590, 0, [], 2),
        (597, 0, [], 1),
        (600, 0, [], 1),
        (0, 1, [], 74),
        (0, 3, [], 37),
        (149, 3, [], 1),  # at its share
        (0, 1, ["p0"], 1),  # another waits
    ],
)
def test_the_size_of_a_block(used, others, queue, size):
    """A quarter of the free slots, divided by the active processes, below the share."""
    usage = {f"p{number}": ProcessUsage(1, 0.0, 0.0) for number in range(others)}
    usage["me"] = ProcessUsage(used, 0.0, 0.0)

    assert FairShare(Limit(600), usage, queue, 0.5).block("me") == size


def test_a_pause_stops_a_block_within_five_milliseconds(tmp_path):
    """Another process was told to wait."""
    clock = Clock()
    budget, other = processes(tmp_path, Limit(600), clock)
    sent = send_until_it_has_a_block(budget, other)

    other.pause(30)
    clock.sleep(0.006)

    assert budget.reserve(TIMEOUT) == (None, pytest.approx(29.994))
    assert other.usage().used == sent


def test_an_own_pause_stops_a_block_at_once(tmp_path):
    """In all threads."""
    clock = Clock()
    budget, other = processes(tmp_path, Limit(600), clock)
    send_until_it_has_a_block(budget, other)

    budget.pause(30)

    assert budget.reserve(TIMEOUT) == (None, pytest.approx(30))


@pytest.mark.parametrize("teller", [0, 1])
def test_a_lower_limit_of_the_server_stops_a_block(tmp_path, teller):
    """Whichever process got the response with it."""
    clock = Clock()
    both = processes(tmp_path, Limit(600), clock)
    sent = send_until_it_has_a_block(*both)

    both[teller].update_limit(sent)
    clock.sleep(0.006 * teller)

    assert both[0].reserve(TIMEOUT)[0] is None


def test_a_block_goes_back_at_the_next_request_when_another_process_waits(tmp_path):
    """Then each request is booked alone."""
    clock = Clock()
    budget, other = processes(tmp_path, Limit(60), clock)
    sent = send_until_it_has_a_block(budget, other)
    taken = 0
    while other.reserve(TIMEOUT)[0] is not None:  # until it has more than its share
        taken += 1

    clock.sleep(0.006)
    assert budget.reserve(TIMEOUT)[0] is not None

    assert other.usage().used == sent + taken + 1


def test_a_process_waits_20_milliseconds_for_reserved_slots(tmp_path):
    """Not a window: they are given back or used soon."""
    clock = Clock()
    budget, other = processes(tmp_path, Limit(60), clock)
    send_until_it_has_a_block(budget, other, least=31)
    slot, wait = other.reserve(TIMEOUT)
    while slot is not None:
        slot, wait = other.reserve(TIMEOUT)
    assert wait == pytest.approx(0.02)

    budget.give_back()

    assert other.reserve(TIMEOUT)[0] is not None


def test_a_block_is_not_used_after_a_quarter_of_a_second(tmp_path):
    """The next request is booked anew."""
    clock = Clock()
    budget, other = processes(tmp_path, Limit(100), clock)
    sent = send_until_it_has_a_block(budget, other)

    clock.sleep(0.25)
    send(budget)

    assert other.usage().used == sent + 1


def test_a_deleted_file_gets_the_requests_of_a_block(tmp_path):
    """But not the slots that were left of it."""
    clock = Clock()
    budget, other = processes(tmp_path, Limit(100), clock)
    sent = send_until_it_has_a_block(budget, other)

    (tmp_path / "budget.sqlite").unlink()
    clock.sleep(0.006)
    send(budget)
    budget.give_back()

    assert other.usage().used == sent + 1


def test_threads_take_each_slot_of_a_block_once(tmp_path):
    """While the file is read and slots go back."""
    budget, other = processes(tmp_path, Limit(1500), time.monotonic)
    counts = [0] * 4

    def work(number):
        for _ in range(200):
            slot, _ = budget.reserve(TIMEOUT)
            counts[number] += slot is not None
            budget.end(slot)
            if number == 0:
                budget.usage()

    threads = [Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    budget.give_back()
    assert counts == [200] * 4
    assert other.usage().used == 800


PROCESS = """
import os, signal, sys, time
from pathlib import Path
from socialframe.http.budget import Limit
from socialframe.http.shared_budget import SharedBudget
budget = SharedBudget(lambda: Path(sys.argv[1]), "t", Limit(600, 1.0))
def send(calls):
    for _ in range(calls):
        budget.end(budget.reserve(0.3)[0])
"""
DIES = "send(5); os.kill(os.getpid(), signal.SIGKILL)"
ENDS = "send(5)"
FORKS = """
send(5)
child = os.fork()
if child == 0:
    send(1)
    os._exit(0)
os.waitpid(child, 0)
send(5)
now = budget.usage()
print(now.used, now.shared_by)
"""


def run(code, folder):
    return subprocess.run(
        [sys.executable, "-c", PROCESS + code, folder],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.processes
def test_a_killed_process_costs_at_most_its_block(tmp_path):
    """Until the block expired, and a timeout and a window passed."""
    other = SharedBudget(lambda: tmp_path, "t", Limit(600, 1.0))
    other.usage()

    done = run(DIES, tmp_path)
    used = other.usage().used
    time.sleep(0.05 + 0.3 + 1.05)

    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")
    assert 5 <= used <= 5 + 150
    assert other.usage().used == 0


@pytest.mark.processes
def test_a_process_that_ends_gives_its_block_back(tmp_path):
    """Without a call of close."""
    done = run(ENDS, tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert SharedBudget(lambda: tmp_path, "t", Limit(600, 1.0)).usage().used == 5


@pytest.mark.processes
def test_a_forked_child_uses_no_slot_of_its_parents_block(tmp_path):
    """Both send on; each request counts once."""
    done = run(FORKS, tmp_path)

    assert (done.stdout, done.stderr) == ("11 2\n", "")


@pytest.mark.processes
def test_an_idle_process_gives_its_block_back(tmp_path):
    """Soon after its last request."""
    clock = Clock()
    budget, other = processes(tmp_path, Limit(100), clock)
    sent = send_until_it_has_a_block(budget, other)

    until = time.monotonic() + 10
    while other.usage().used > sent and time.monotonic() < until:
        time.sleep(0.01)

    assert other.usage().used == sent


@pytest.mark.sockets
def test_a_closed_client_gives_its_block_back():
    """Another client of the key sees its requests only."""
    box = sf.Sandbox(tier="paid")
    with box.serve() as url:
        with sf.Client(box.key, base_url=url, tier=sf.Limit(6000)) as api:
            for _ in range(10):
                api._send(Call("/v1/accounts"))
        other = sf.Client(box.key, base_url=url, tier=sf.Limit(5999))

        assert other.budget.used == 10
