"""What every limiter of the sandbox guarantees; each kind inherits the class.

Pauses are multiples of 1/64 s, so that their sums are exact.
"""

from __future__ import annotations

import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from stand_ins import Clock

LIMIT, SECONDS = 7, 16.0
STEP = 1 / 64


def some_pauses(seed):
    """Return pauses in seconds: none as in a burst, short ones and long ones."""
    dice = random.Random(seed)  # noqa: S311 - seeded pauses
    longest = dice.choice([16, 128, 1024, 4096])
    return [dice.choice([0, dice.randrange(longest)]) / 64 for _ in range(60)]


with_many_pauses = pytest.mark.parametrize(
    "pauses", [some_pauses(seed) for seed in range(20)], ids=range(20)
)


def count_allowed(limiter, clock, calls):
    """Send so many requests at once; return how many are allowed."""
    return sum(limiter.arrive().allowed for _ in range(calls))


def fullest_window(arrivals, seconds):
    """Return the largest number of arrivals in any window of so many seconds."""
    return max(
        sum(first <= moment < first + seconds for moment in arrivals[at:])
        for at, first in enumerate(arrivals)
    )


class LimiterContract:
    """It observes the limit, does not count refused requests, and returns true numbers."""

    #: Maximum number of requests that it allows in any window.
    largest = LIMIT

    def make(self, calls, seconds, clock):
        """Return a limiter that has counted no request."""
        raise NotImplementedError

    def test_a_burst_up_to_the_limit_is_allowed(self):
        """Each verdict has the number of requests left."""
        clock = Clock()
        limiter = self.make(LIMIT, SECONDS, clock)

        verdicts = [limiter.arrive() for _ in range(LIMIT + 2)]

        assert [one.allowed for one in verdicts] == [True] * LIMIT + [False] * 2
        assert [one.remaining for one in verdicts] == [*range(LIMIT - 1, -1, -1), 0, 0]
        assert {one.limit for one in verdicts} == {LIMIT}

    @with_many_pauses
    def test_a_refused_request_is_allowed_after_its_wait_and_not_before(self, pauses):
        """With any requests before it."""
        clock = Clock()
        limiter = self.make(4, SECONDS, clock)
        for pause in pauses:
            verdict = limiter.arrive()
            clock.now += pause
            assert 0 < verdict.wait <= SECONDS
            assert verdict.retry_after >= verdict.wait
        while (verdict := limiter.arrive()).allowed:
            pass

        clock.now += verdict.wait - STEP / 2
        assert verdict.wait < STEP or not limiter.arrive().allowed
        clock.now += STEP / 2
        assert limiter.arrive().allowed

    @with_many_pauses
    def test_more_requests_are_left_after_the_wait(self, pauses):
        """Also after the wait of an allowed request."""
        clock = Clock()
        limiter = self.make(4, SECONDS, clock)
        for pause in pauses:
            limiter.arrive()
            clock.now += pause
        verdict = limiter.arrive()

        clock.now += verdict.wait

        assert limiter.arrive().remaining >= verdict.remaining

    @with_many_pauses
    def test_refused_requests_do_not_count(self, pauses):
        """They do not delay later requests."""
        clocks = Clock(), Clock()
        quiet, noisy = (self.make(4, SECONDS, clock) for clock in clocks)
        for pause in pauses:
            verdicts = quiet.arrive(), noisy.arrive()
            assert verdicts[0] == verdicts[1]
            if not verdicts[1].allowed:
                assert count_allowed(noisy, clocks[1], 3) == 0
            for clock in clocks:
                clock.now += pause

    @with_many_pauses
    def test_no_window_has_more_requests_than_this_kind_allows(self, pauses):
        """With any pauses between them."""
        clock = Clock()
        limiter = self.make(LIMIT, SECONDS, clock)
        arrivals = []
        for pause in pauses:
            arrivals += [clock.now] * count_allowed(limiter, clock, 3)
            clock.now += pause

        assert fullest_window(arrivals, SECONDS) <= self.largest

    def test_a_client_that_observes_the_waits_gets_the_whole_limit(self):
        """Over many windows, no more and no less."""
        clock = Clock()
        limiter = self.make(60, 60.0, clock)
        arrivals = []
        while clock.now < 1000.0 + 600.0:
            verdict = limiter.arrive()
            if verdict.allowed:
                arrivals.append(clock.now)
            else:
                clock.sleep(verdict.wait)

        assert 600 <= len(arrivals) <= 660

    def test_unused_requests_do_not_accumulate(self):
        """After a long pause the limit is the same."""
        clock = Clock()
        limiter = self.make(LIMIT, SECONDS, clock)
        for _ in range(3):
            assert count_allowed(limiter, clock, 3 * LIMIT) == LIMIT
            clock.now += 100 * SECONDS

    def test_short_windows_and_indivisible_limits_are_exact(self):
        """A window of a millisecond, and seven calls in a tenth of a second."""
        for calls, seconds in itertools.product((1, 7, 600), (0.001, 0.1, 60.0)):
            clock = Clock()
            limiter = self.make(calls, seconds, clock)
            assert count_allowed(limiter, clock, calls + 1) == calls
            clock.now += 2 * seconds
            assert count_allowed(limiter, clock, calls + 1) == calls

    def test_threads_get_each_slot_once(self):
        """Eight threads at the same moment."""
        clock = Clock()
        limiter = self.make(500, 60.0, clock)
        gate = threading.Barrier(8)

        def send(_number):
            gate.wait()
            return [limiter.arrive() for _ in range(200)]

        with ThreadPoolExecutor(8) as pool:
            verdicts = list(itertools.chain.from_iterable(pool.map(send, range(8))))

        allowed = [one.remaining for one in verdicts if one.allowed]
        assert sorted(allowed) == list(range(500))
