"""What every budget store has to keep; each implementation inherits the class.

Time is simulated: several workers call a server that counts arrivals, which lie somewhere between
a call's start and its answer.
"""

from __future__ import annotations

import heapq
import itertools
import random

import pytest
from stand_ins import Clock

from socialframe.transport.budget import Limit

LASTS = 35.0


def simulate(budget, clock, latency, *, workers, calls):
    """Let workers call as fast as the budget lets them; return the moments of arrival, sorted."""
    order = itertools.count()
    events = [(clock.now, next(order), None) for _ in range(workers)]
    arrivals = []
    while events:
        clock.now, _, slot = heapq.heappop(events)
        if slot is not None:
            budget.end(slot)
        if len(arrivals) == calls:
            continue
        slot, wait = budget.reserve(LASTS)
        if slot is None:
            heapq.heappush(events, (clock.now + wait, next(order), None))
            continue
        until_arrival, until_answer = latency(len(arrivals))
        arrivals.append(clock.now + until_arrival)
        heapq.heappush(events, (clock.now + until_answer, next(order), slot))
    return sorted(arrivals)


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


class BudgetContract:
    """Never above the limit as the server counts; nearly all of it used; pauses hold."""

    def make(self, limit: Limit, clock: Clock):
        """Return an empty budget."""
        raise NotImplementedError

    @pytest.mark.parametrize("workers", [1, 4, 16])
    @pytest.mark.parametrize("calls", [60, 600])
    @pytest.mark.parametrize(
        "latency",
        [steady, slow_first_call, *(long_tail(seed) for seed in range(3))],
        ids=["steady", "slow-first", "tail-0", "tail-1", "tail-2"],
    )
    def test_no_window_of_the_server_is_above_the_limit(self, workers, calls, latency):
        """Wherever between start and answer a call arrives."""
        clock = Clock()
        budget = self.make(Limit(calls, 60.0), clock)

        arrivals = simulate(budget, clock, latency, workers=workers, calls=5 * calls)

        assert fullest_window(arrivals, 60.0) <= calls

    @pytest.mark.parametrize("workers", [1, 4])
    @pytest.mark.parametrize("calls", [60, 600])
    def test_nearly_all_of_the_budget_is_used(self, workers, calls):
        """While work waits."""
        clock = Clock()
        began = clock.now
        simulate(
            self.make(Limit(calls, 60.0), clock),
            clock,
            lambda _: (0.02, 0.05),
            workers=workers,
            calls=10 * calls + 1,
        )

        assert 10 * 60.0 / (clock.now - began) >= 0.99

    def test_a_job_that_fits_the_window_does_not_wait(self):
        """Bursts up to the limit are allowed."""
        clock = Clock()
        budget = self.make(Limit(60, 60.0), clock)

        assert all(budget.reserve(LASTS)[0] is not None for _ in range(60))
        slot, wait = budget.reserve(LASTS)
        assert slot is None
        assert wait == pytest.approx(LASTS + 60.05)

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

        clock.sleep(LASTS + 60.05)

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
