"""What every budget guarantees; each implementation inherits the class.

Time is simulated: several workers call a server, where each request arrives at some moment between
its start and its response.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter

import pytest
from stand_ins import Clock

from socialframe.http.budget import Limit
from socialframe.sandbox.api.rate_limit import FixedWindow, SlidingWindow, TokenBucket

TIMEOUT = 35.0
LIMITERS = [SlidingWindow, FixedWindow, TokenBucket]


class Simulation:
    """Workers that send as fast as their budgets permit, up to a number of calls or a time.

    Afterwards ``arrivals`` has the sorted times of arrival, ``refused`` the number of requests that
    the limiter refused, ``started`` the number of requests of each worker, and ``waits`` how often
    a worker had to wait.
    """

    def __init__(self, clock, latency, *, calls=10**9, until=float("inf"), limiter=None):
        self.clock = clock
        self.latency = latency
        self.calls = calls
        self.until = until
        self.limiter = limiter
        self.arrivals = []
        self.refused = 0
        self.waits = 0
        self.started = Counter()
        self.worker = None  # that starts a request

    def run(self, budgets):
        """Run one worker for each budget; several workers may use the same. Return itself."""
        order = itertools.count()
        events = [(self.clock.now, next(order), "reserve", i, None) for i in range(len(budgets))]
        while events:
            self.clock.now, _, event, worker, slot = heapq.heappop(events)
            if event == "arrive":
                self.arrivals.append(self.clock.now)
                self.refused += self.limiter is not None and not self.limiter.arrive().allowed
                continue
            if slot is not None:
                budgets[worker].end(slot)
            if sum(self.started.values()) == self.calls or self.clock.now >= self.until:
                continue
            slot, wait = budgets[worker].reserve(TIMEOUT)
            now = self.clock.now
            if slot is None:
                self.waits += 1
                heapq.heappush(events, (now + wait, next(order), "reserve", worker, None))
                continue
            self.worker = worker
            arrival, response = self.latency(sum(self.started.values()))
            self.started[worker] += 1
            heapq.heappush(events, (now + arrival, next(order), "arrive", worker, None))
            heapq.heappush(events, (now + response, next(order), "reserve", worker, slot))
        return self


def fullest_window(arrivals, seconds):
    """Return the largest number of arrivals in any window of so many seconds."""
    largest, first = 0, 0
    for last, moment in enumerate(arrivals):
        while arrivals[first] <= moment - seconds:
            first += 1
        largest = max(largest, last - first + 1)
    return largest


def steady(_number):
    return 0.05, 0.1


def slow_first_call(number):
    return (0.34, 0.35) if number == 0 else (0.01, 0.02)


def long_tail(seed):
    dice = random.Random(seed)  # noqa: S311 - seeded latencies

    def latency(_number):
        response = 20.0 if dice.random() < 0.02 else dice.uniform(0.02, 0.4)
        return response * dice.random(), response

    return latency


LATENCIES = {
    "steady": steady,
    "slow-first": slow_first_call,
    "tail-0": long_tail(0),
    "tail-1": long_tail(1),
}


def cases(names, every, few):
    """Parametrize a test of the contract with every case, or with few where ``few`` is set."""

    def decorate(function):
        function.cases = names, list(every), few
        return function

    return decorate


class BudgetContract:
    """A budget never exceeds the limit, uses nearly all of it, and observes pauses."""

    #: Whether simulations run few of their cases, for a slow budget.
    few = False

    def make(self, limit: Limit, clock: Clock, **options):
        """Return an empty budget."""
        raise NotImplementedError

    def pytest_generate_tests(self, metafunc):
        if hasattr(metafunc.function, "cases"):
            names, every, few = metafunc.function.cases
            metafunc.parametrize(names, few if self.few else every)

    @cases(
        ("latency", "calls", "windows", "workers"),
        [
            (latency, calls, windows, workers)
            for latency in LATENCIES
            for calls, windows in [(60, 5), (600, 2)]
            for workers in (1, 4, 16)
        ],
        few=[
            ("steady", 60, 2, 4),
            ("slow-first", 60, 2, 1),
            ("tail-0", 300, 2, 4),
            ("tail-1", 60, 2, 16),
        ],
    )
    def test_no_window_exceeds_the_limit(self, latency, calls, windows, workers):
        """Requests arrive at any moment between start and response."""
        clock = Clock()
        budget = self.make(Limit(calls, 60.0), clock)
        simulation = Simulation(clock, LATENCIES[latency], calls=windows * calls + 30)

        arrivals = simulation.run([budget] * workers).arrivals

        assert fullest_window(arrivals, 60.0) <= calls

    @cases(
        ("kind", "latency"),
        itertools.product(LIMITERS, ["slow-first", "tail-0"]),
        few=[(SlidingWindow, "tail-0"), (FixedWindow, "slow-first"), (TokenBucket, "tail-0")],
    )
    def test_no_limiter_of_the_sandbox_refuses_a_request(self, kind, latency):
        """Neither a sliding nor a fixed window, nor a token bucket."""
        clock = Clock()
        budget, limiter = self.make(Limit(60, 60.0), clock), kind(60, 60.0, clock)
        simulation = Simulation(clock, LATENCIES[latency], calls=400, limiter=limiter)

        simulation.run([budget] * 4)

        assert len(simulation.arrivals) == 400
        assert simulation.refused == 0

    @cases(
        ("calls", "windows", "workers", "latency"),
        [
            (calls, windows, workers, latency)
            for calls, windows in [(60, 10), (600, 2)]
            for workers in (1, 4)
            for latency in ("steady", "slow-first")
        ],
        few=[(60, 4, 1, "steady"), (60, 4, 4, "slow-first")],
    )
    def test_busy_workers_use_99_percent_of_the_limit(self, calls, windows, workers, latency):
        """Over several windows."""
        clock = Clock()
        budget, began = self.make(Limit(calls, 60.0), clock), clock.now

        simulation = Simulation(clock, LATENCIES[latency], calls=windows * calls + 1)
        simulation.run([budget] * workers)

        assert windows * 60.0 / (clock.now - began) >= 0.99

    @pytest.mark.parametrize("workers", [1, 4])
    @pytest.mark.parametrize("latency", LATENCIES.values(), ids=LATENCIES)
    def test_a_job_within_the_limit_never_waits(self, workers, latency):
        """Not even with slow responses."""
        clock = Clock()
        budget = self.make(Limit(60, 60.0), clock)

        simulation = Simulation(clock, latency, calls=60).run([budget] * workers)

        assert simulation.started.total() == 60
        assert simulation.waits == 0

    def test_a_burst_up_to_the_limit_starts_at_once(self):
        """The wait after it presumes that a request under way ends now."""
        clock = Clock()
        budget = self.make(Limit(60, 60.0), clock)

        assert all(budget.reserve(TIMEOUT)[0] is not None for _ in range(60))
        slot, wait = budget.reserve(TIMEOUT)
        assert slot is None
        assert wait == pytest.approx(60.05)

    def test_a_slot_is_free_one_window_after_the_response(self):
        """Not one window after the start."""
        clock = Clock()
        budget = self.make(Limit(1, 60.0), clock)
        slot, _ = budget.reserve(TIMEOUT)
        clock.sleep(10)
        budget.end(slot)

        assert budget.reserve(TIMEOUT)[1] == pytest.approx(60.05)
        clock.sleep(60.05)
        assert budget.reserve(TIMEOUT)[0] is not None

    def test_a_request_that_never_ends_counts_as_ended_at_its_timeout(self):
        """Its slot is free one window later."""
        clock = Clock()
        budget = self.make(Limit(1, 60.0), clock)
        budget.reserve(TIMEOUT)

        clock.sleep(60.05)
        assert budget.reserve(TIMEOUT) == (None, pytest.approx(TIMEOUT))
        clock.sleep(TIMEOUT)
        assert budget.reserve(TIMEOUT)[0] is not None

    def test_no_request_starts_during_a_pause(self):
        """A shorter pause does not shorten it."""
        clock = Clock()
        budget = self.make(Limit(60, 60.0), clock)
        budget.pause(30)
        budget.pause(5)

        assert budget.reserve(TIMEOUT) == (None, pytest.approx(30))
        clock.sleep(30)
        assert budget.reserve(TIMEOUT)[0] is not None

    def test_the_servers_limit_raises_and_lowers_a_limit_that_adapts(self):
        """From the next request on."""
        clock = Clock()
        budget = self.make(Limit(2, 60.0), clock, adapts=True)
        booked = [budget.reserve(TIMEOUT)[0] for _ in range(3)]
        assert booked[2] is None

        budget.update_limit(4)
        assert [budget.reserve(TIMEOUT)[0] is None for _ in range(3)] == [False, False, True]
        budget.update_limit(1)
        clock.sleep(TIMEOUT + 60.05)
        assert [budget.reserve(TIMEOUT)[0] is None for _ in range(2)] == [False, True]

    def test_the_servers_limit_only_lowers_a_fixed_limit(self):
        """The user may ask for fewer calls than the server permits."""
        budget = self.make(Limit(2, 60.0), Clock())
        budget.update_limit(600)
        assert budget.usage().limit == Limit(2, 60.0)

        budget.update_limit(1)
        assert budget.usage().limit == Limit(1, 60.0)

    def test_a_limit_that_the_server_counts_in_another_window_is_ignored(self):
        """A limit per hour is not one per minute."""
        budget = self.make(Limit(60, 60.0), Clock(), adapts=True)

        budget.update_limit(1000, 3600.0)

        assert budget.usage().limit == Limit(60, 60.0)

    def test_usage_has_used_and_free_slots_and_the_next_free_one(self):
        """Before, during and after two requests."""
        clock = Clock()
        budget = self.make(Limit(2, 60.0), clock)
        now = budget.usage()
        assert (now.used, now.left, now.next_free, now.shared_by) == (0, 2, 0.0, 1)

        budget.end(budget.reserve(TIMEOUT)[0])
        clock.sleep(10)
        budget.end(budget.reserve(TIMEOUT)[0])
        now = budget.usage()

        assert (now.used, now.left, now.next_free) == (2, 0, pytest.approx(50.05))
        clock.sleep(50.05)
        assert (budget.usage().used, budget.usage().left, budget.usage().next_free) == (1, 1, 0.0)

    @pytest.mark.parametrize("paused", [0, 20, 100])
    @pytest.mark.parametrize("calls", [1, 5, 6, 10, 11, 37])
    def test_seconds_until_is_the_time_that_the_calls_then_take(self, calls, paused):
        """If no other process sends, and responses come at once."""
        clock = Clock()
        budget = self.make(Limit(10, 60.0), clock)
        for _ in range(7):
            budget.end(budget.reserve(TIMEOUT)[0])
            clock.sleep(5)
        if paused:
            budget.pause(paused)
        seconds, began = budget.seconds_until(calls), clock.now

        for _ in range(calls):
            slot, wait = budget.reserve(TIMEOUT)
            while slot is None:
                clock.sleep(wait)
                slot, wait = budget.reserve(TIMEOUT)
            budget.end(slot)

        assert clock.now - began == pytest.approx(seconds)

    @pytest.mark.parametrize("jump", [-3600.0, -1.0, 0.0, 30.0])
    def test_occupied_slots_stay_occupied_after_the_clock_jumps(self, jump):
        """Times in the future count as now."""
        clock = Clock()
        clock.now = 1e6
        budget = self.make(Limit(60, 60.0), clock)
        for _ in range(60):
            budget.end(budget.reserve(TIMEOUT)[0])

        clock.now += jump

        assert budget.reserve(TIMEOUT)[0] is None
        assert budget.usage().left == 0

    @pytest.mark.parametrize("jump", [-3600.0, -1.0, 0.0, 30.0, 3600.0])
    def test_slots_are_free_one_window_after_the_clock_jumped(self, jump):
        """Also after a pause and with a request under way."""
        clock = Clock()
        clock.now = 1e6
        budget = self.make(Limit(60, 60.0), clock)
        for _ in range(59):
            budget.end(budget.reserve(TIMEOUT)[0])
        budget.reserve(TIMEOUT)
        budget.pause(5)

        clock.now += jump
        budget.usage()  # notices the jump
        clock.sleep(60.05)

        assert budget.usage().used <= 1
        assert budget.reserve(TIMEOUT)[0] is not None
        clock.sleep(TIMEOUT)
        assert budget.usage().used <= 1

    @pytest.mark.parametrize("jump", [-3600.0, 3600.0])
    def test_no_window_exceeds_the_limit_after_the_clock_jumped(self, jump):
        """By the new clock."""
        clock = Clock()
        clock.now = 1e6
        budget = self.make(Limit(60, 60.0), clock)
        Simulation(clock, steady, calls=90).run([budget] * 4)

        clock.now += jump
        arrivals = Simulation(clock, steady, calls=200).run([budget] * 4).arrivals

        assert fullest_window(arrivals, 60.0) <= 60
