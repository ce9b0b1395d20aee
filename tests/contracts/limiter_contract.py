"""What every limiter of the sandbox has to keep; each kind inherits the class.

Pauses are multiples of a 64th of a second, so that sums of them are exact.
"""

from __future__ import annotations

import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from stand_ins import Clock

LIMIT, SECONDS = 7, 16.0
A_LITTLE = 1 / 64


def some_pauses(seed):
    """Return pauses in seconds: bursts, a steady trickle, and now and then a silence."""
    dice = random.Random(seed)  # noqa: S311 - seeded pauses
    longest = dice.choice([16, 128, 1024, 4096])
    return [dice.choice([0, dice.randrange(longest)]) / 64 for _ in range(60)]


with_many_pauses = pytest.mark.parametrize(
    "pauses", [some_pauses(seed) for seed in range(20)], ids=range(20)
)


def let_in(limiter, clock, calls):
    """Call so often at once; return how many were let in."""
    return sum(limiter.arrive().allowed for _ in range(calls))


def fullest(arrivals, seconds):
    """Return the most arrivals in any stretch of so many seconds."""
    return max(
        sum(first <= moment < first + seconds for moment in arrivals[at:])
        for at, first in enumerate(arrivals)
    )


class LimiterContract:
    """Never above the limit, a refused call costs nothing, and what is told is true."""

    #: The most calls that may get through in any stretch as long as a window.
    most = LIMIT

    def make(self, calls, seconds, clock):
        """Return a limiter that has seen no call."""
        raise NotImplementedError

    def test_all_of_the_limit_may_come_at_once(self):
        """And each answer tells how many are left."""
        clock = Clock()
        limiter = self.make(LIMIT, SECONDS, clock)

        verdicts = [limiter.arrive() for _ in range(LIMIT + 2)]

        assert [one.allowed for one in verdicts] == [True] * LIMIT + [False] * 2
        assert [one.remaining for one in verdicts] == [*range(LIMIT - 1, -1, -1), 0, 0]
        assert {one.limit for one in verdicts} == {LIMIT}

    @with_many_pauses
    def test_a_refused_call_is_let_in_after_the_wait_and_not_before(self, pauses):
        """Whatever calls came before it."""
        clock = Clock()
        limiter = self.make(4, SECONDS, clock)
        for pause in pauses:
            verdict = limiter.arrive()
            clock.now += pause
            assert 0 < verdict.wait <= SECONDS
            assert verdict.retry_after >= verdict.wait
        while (verdict := limiter.arrive()).allowed:
            pass

        clock.now += verdict.wait - A_LITTLE / 2
        assert verdict.wait < A_LITTLE or not limiter.arrive().allowed
        clock.now += A_LITTLE / 2
        assert limiter.arrive().allowed

    @with_many_pauses
    def test_the_wait_of_any_call_ends_when_more_slots_are_free(self, pauses):
        """Of one that was let in, too: then there are more left than it was told."""
        clock = Clock()
        limiter = self.make(4, SECONDS, clock)
        for pause in pauses:
            limiter.arrive()
            clock.now += pause
        verdict = limiter.arrive()

        clock.now += verdict.wait

        assert limiter.arrive().remaining >= verdict.remaining

    @with_many_pauses
    def test_who_keeps_knocking_is_not_locked_out(self, pauses):
        """Calls that are refused change nothing for those that come later."""
        clocks = Clock(), Clock()
        quiet, noisy = (self.make(4, SECONDS, clock) for clock in clocks)
        for pause in pauses:
            verdicts = quiet.arrive(), noisy.arrive()
            assert verdicts[0] == verdicts[1]
            if not verdicts[1].allowed:
                assert let_in(noisy, clocks[1], 3) == 0
            for clock in clocks:
                clock.now += pause

    @with_many_pauses
    def test_no_stretch_of_time_has_more_calls_than_this_kind_lets_through(self, pauses):
        """However they come."""
        clock = Clock()
        limiter = self.make(LIMIT, SECONDS, clock)
        arrivals = []
        for pause in pauses:
            arrivals += [clock.now] * let_in(limiter, clock, 3)
            clock.now += pause

        assert fullest(arrivals, SECONDS) <= self.most

    def test_who_waits_as_told_gets_the_whole_limit(self):
        """Over many windows neither more nor less."""
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

    def test_after_a_long_silence_it_is_full_and_not_fuller(self):
        """What was not used is not saved up."""
        clock = Clock()
        limiter = self.make(LIMIT, SECONDS, clock)
        for _ in range(3):
            assert let_in(limiter, clock, 3 * LIMIT) == LIMIT
            clock.now += 100 * SECONDS

    def test_odd_numbers_are_kept_exactly(self):
        """A window of a tenth of a second, and a limit that does not divide it."""
        for calls, seconds in itertools.product((1, 7, 600), (0.001, 0.1, 60.0)):
            clock = Clock()
            limiter = self.make(calls, seconds, clock)
            assert let_in(limiter, clock, calls + 1) == calls
            clock.now += 2 * seconds
            assert let_in(limiter, clock, calls + 1) == calls

    def test_many_threads_take_each_slot_once(self):
        """All at the same moment."""
        clock = Clock()
        limiter = self.make(500, 60.0, clock)
        gate = threading.Barrier(8)

        def hurry(_number):
            gate.wait()
            return [limiter.arrive() for _ in range(200)]

        with ThreadPoolExecutor(8) as pool:
            verdicts = list(itertools.chain.from_iterable(pool.map(hurry, range(8))))

        allowed = [one.remaining for one in verdicts if one.allowed]
        assert sorted(allowed) == list(range(500))
