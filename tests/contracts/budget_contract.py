"""What every budget store has to keep; each implementation inherits the class.

Time is simulated: several workers call a server that counts arrivals, which lie somewhere between
a call's start and its answer.
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

LASTS = 35.0
LIMITERS = [SlidingWindow, FixedWindow, TokenBucket]


class Simulation:
    """Workers that call as fast as their budgets let them, until so many calls or a moment.

    Afterwards ``arrivals`` holds the moments at which calls came, sorted, ``refused`` how many of
    them the server's limiter did not let in, ``started`` how many calls each worker made, ``waits``
    how often one was told to wait.
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
        self.worker = None  # whose call begins

    def run(self, budgets):
        """Give each worker its budget, several workers perhaps the same; return itself."""
        order = itertools.count()
        events = [(self.clock.now, next(order), "ask", i, None) for i in range(len(budgets))]
        while events:
            self.clock.now, _, what, worker, slot = heapq.heappop(events)
            if what == "arrive":
                self.arrivals.append(self.clock.now)
                self.refused += self.limiter is not None and not self.limiter.arrive().allowed
                continue
            if slot is not None:
                budgets[worker].end(slot)
            if sum(self.started.values()) == self.calls or self.clock.now >= self.until:
                continue
            slot, wait = budgets[worker].reserve(LASTS)
            if slot is None:
                self.waits += 1
                heapq.heappush(events, (self.clock.now + wait, next(order), "ask", worker, None))
                continue
            self.worker = worker
            arrival, answer = self.latency(sum(self.started.values()))
            self.started[worker] += 1
            now = self.clock.now
            heapq.heappush(events, (now + arrival, next(order), "arrive", worker, None))
            heapq.heappush(events, (now + answer, next(order), "ask", worker, slot))
        return self


def fullest_window(arrivals, seconds):
    """Return the most arrivals in any window of so many seconds."""
    most, first = 0, 0
    for last, moment in enumerate(arrivals):
        while arrivals[first] <= moment - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def steady(_number):
    return 0.05, 0.1


def slow_first_call(number):
    return (0.34, 0.35) if number == 0 else (0.01, 0.02)


def long_tail(seed):
    dice = random.Random(seed)  # noqa: S311 - seeded latencies

    def latency(_number):
        answer = 20.0 if dice.random() < 0.02 else dice.uniform(0.02, 0.4)
        return answer * dice.random(), answer

    return latency


LATENCIES = {"steady": steady, "slow-first": slow_first_call, "tail-0": long_tail(0)} | {
    "tail-1": long_tail(1)
}


class BudgetContract:
    """Never above the limit as the server counts; nearly all of it used; pauses hold."""

    def make(self, limit: Limit, clock: Clock, **more):
        """Return an empty budget."""
        raise NotImplementedError

    @pytest.mark.parametrize("workers", [1, 4, 16])
    @pytest.mark.parametrize(("calls", "windows"), [(60, 5), (600, 2)])
    @pytest.mark.parametrize("latency", LATENCIES.values(), ids=LATENCIES)
    def test_no_window_of_the_server_is_above_the_limit(self, workers, calls, windows, latency):
        """Wherever between start and answer a call arrives."""
        clock = Clock()
        budget = self.make(Limit(calls, 60.0), clock)
        simulation = Simulation(clock, latency, calls=windows * calls + 30)

        arrivals = simulation.run([budget] * workers).arrivals

        assert fullest_window(arrivals, 60.0) <= calls

    @pytest.mark.parametrize("latency", [slow_first_call, long_tail(7)], ids=["first", "tail"])
    @pytest.mark.parametrize("kind", LIMITERS)
    def test_no_limiter_of_the_sandbox_refuses_a_call(self, kind, latency):
        """However it counts."""
        clock = Clock()
        budget, limiter = self.make(Limit(60, 60.0), clock), kind(60, 60.0, clock)

        simulation = Simulation(clock, latency, calls=400, limiter=limiter).run([budget] * 4)

        assert len(simulation.arrivals) == 400
        assert simulation.refused == 0

    @pytest.mark.parametrize("latency", [steady, slow_first_call], ids=["steady", "slow-first"])
    @pytest.mark.parametrize("workers", [1, 4])
    @pytest.mark.parametrize(("calls", "windows"), [(60, 10), (600, 2)])
    def test_nearly_all_of_the_budget_is_used(self, workers, calls, windows, latency):
        """While work waits."""
        clock = Clock()
        budget, began = self.make(Limit(calls, 60.0), clock), clock.now
        Simulation(clock, latency, calls=windows * calls + 1).run([budget] * workers)

        assert windows * 60.0 / (clock.now - began) >= 0.99

    @pytest.mark.parametrize("workers", [1, 4])
    @pytest.mark.parametrize("latency", LATENCIES.values(), ids=LATENCIES)
    def test_no_call_of_a_job_that_fits_the_window_waits(self, workers, latency):
        """However slow its answers are."""
        clock = Clock()
        budget = self.make(Limit(60, 60.0), clock)

        simulation = Simulation(clock, latency, calls=60).run([budget] * workers)

        assert simulation.started.total() == 60
        assert simulation.waits == 0

    def test_a_burst_up_to_the_limit_is_allowed(self):
        """And a call under way may end at any moment."""
        clock = Clock()
        budget = self.make(Limit(60, 60.0), clock)

        assert all(budget.reserve(LASTS)[0] is not None for _ in range(60))
        slot, wait = budget.reserve(LASTS)
        assert slot is None
        assert wait == pytest.approx(60.05)

    def test_an_answer_frees_its_place_a_window_later(self):
        """Counted from the answer, not from the start."""
        clock = Clock()
        budget = self.make(Limit(1, 60.0), clock)
        slot, _ = budget.reserve(LASTS)
        clock.sleep(10)
        budget.end(slot)

        assert budget.reserve(LASTS)[1] == pytest.approx(60.05)
        clock.sleep(60.05)
        assert budget.reserve(LASTS)[0] is not None

    def test_a_call_that_never_ends_counts_as_ended_at_its_time_out(self):
        """A lost answer costs one place for a while, not for ever."""
        clock = Clock()
        budget = self.make(Limit(1, 60.0), clock)
        budget.reserve(LASTS)

        clock.sleep(60.05)
        assert budget.reserve(LASTS) == (None, pytest.approx(LASTS))
        clock.sleep(LASTS)
        assert budget.reserve(LASTS)[0] is not None

    def test_a_pause_holds_for_everybody(self):
        """Until it is over; a shorter one does not cut it."""
        clock = Clock()
        budget = self.make(Limit(60, 60.0), clock)
        budget.pause(30)
        budget.pause(5)

        assert budget.reserve(LASTS) == (None, pytest.approx(30))
        clock.sleep(30)
        assert budget.reserve(LASTS)[0] is not None

    def test_what_the_server_says_raises_or_lowers_a_limit_that_adapts(self):
        """From then on."""
        clock = Clock()
        budget = self.make(Limit(2, 60.0), clock, adapts=True)
        booked = [budget.reserve(LASTS)[0] for _ in range(3)]
        assert booked[2] is None

        budget.learn(4)
        assert [budget.reserve(LASTS)[0] is None for _ in range(3)] == [False, False, True]
        budget.learn(1)
        clock.sleep(LASTS + 60.05)
        assert [budget.reserve(LASTS)[0] is None for _ in range(2)] == [False, True]

    def test_what_the_server_says_only_lowers_a_limit_that_is_fixed(self):
        """Who asks for less gets less."""
        budget = self.make(Limit(2, 60.0), Clock())
        budget.learn(600)
        assert budget.usage().limit == Limit(2, 60.0)

        budget.learn(1)
        assert budget.usage().limit == Limit(1, 60.0)

    def test_what_the_server_counts_in_another_window_is_not_ours(self):
        """An hour's calls are not a minute's."""
        budget = self.make(Limit(60, 60.0), Clock(), adapts=True)

        budget.learn(1000, 3600.0)

        assert budget.usage().limit == Limit(60, 60.0)

    def test_it_says_how_it_stands(self):
        """Limit, used, left, and when the next place is free."""
        clock = Clock()
        budget = self.make(Limit(2, 60.0), clock)
        now = budget.usage()
        assert (now.used, now.left, now.next_free, now.shared_by) == (0, 2, 0.0, 1)

        budget.end(budget.reserve(LASTS)[0])
        clock.sleep(10)
        budget.end(budget.reserve(LASTS)[0])
        now = budget.usage()

        assert (now.used, now.left, now.next_free) == (2, 0, pytest.approx(50.05))
        clock.sleep(50.05)
        assert (budget.usage().used, budget.usage().left, budget.usage().next_free) == (1, 1, 0.0)

    @pytest.mark.parametrize("paused", [0, 20, 100])
    @pytest.mark.parametrize("calls", [1, 5, 6, 10, 11, 37])
    def test_it_says_how_long_so_many_calls_take(self, calls, paused):
        """As they then do, if nobody else calls and each is answered at once."""
        clock = Clock()
        budget = self.make(Limit(10, 60.0), clock)
        for _ in range(7):
            budget.end(budget.reserve(LASTS)[0])
            clock.sleep(5)
        if paused:
            budget.pause(paused)
        told, began = budget.takes(calls), clock.now

        for _ in range(calls):
            slot, wait = budget.reserve(LASTS)
            while slot is None:
                clock.sleep(wait)
                slot, wait = budget.reserve(LASTS)
            budget.end(slot)

        assert clock.now - began == pytest.approx(told)

    @pytest.mark.parametrize("jump", [-3600.0, -1.0, 0.0, 30.0])
    def test_a_clock_that_jumps_lets_nobody_loose(self, jump):
        """All places are taken, as before; what then lies in the future counts as of now."""
        clock = Clock()
        clock.now = 1e6
        budget = self.make(Limit(60, 60.0), clock)
        for _ in range(60):
            budget.end(budget.reserve(LASTS)[0])

        clock.now += jump

        assert budget.reserve(LASTS)[0] is None
        assert budget.usage().left == 0

    @pytest.mark.parametrize("jump", [-3600.0, -1.0, 0.0, 30.0, 3600.0])
    def test_a_clock_that_jumps_locks_nobody_out(self, jump):
        """A window later all goes on, also after a pause and with a call under way."""
        clock = Clock()
        clock.now = 1e6
        budget = self.make(Limit(60, 60.0), clock)
        for _ in range(59):
            budget.end(budget.reserve(LASTS)[0])
        budget.reserve(LASTS)
        budget.pause(5)

        clock.now += jump
        budget.usage()  # from here on it knows
        clock.sleep(60.05)

        assert budget.usage().used <= 1
        assert budget.reserve(LASTS)[0] is not None
        clock.sleep(LASTS)
        assert budget.usage().used <= 1

    @pytest.mark.parametrize("jump", [-3600.0, 3600.0])
    def test_after_a_jump_the_limit_holds_as_before(self, jump):
        """No window by the new clock is above it."""
        clock = Clock()
        clock.now = 1e6
        budget = self.make(Limit(60, 60.0), clock)
        Simulation(clock, steady, calls=90).run([budget] * 4)

        clock.now += jump
        arrivals = Simulation(clock, steady, calls=200).run([budget] * 4).arrivals

        assert fullest_window(arrivals, 60.0) <= 60
