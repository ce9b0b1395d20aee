"""Every kind of limiter against the one contract, and what tells them apart."""

from stand_ins import Clock

from contracts.limiter_contract import LIMIT, LimiterContract, let_in
from socialframe.sandbox.api.rate_limit import FixedWindow, SlidingWindow, TokenBucket


class TestSlidingWindow(LimiterContract):
    """Each call frees its own slot."""

    def make(self, calls, seconds, clock):
        return SlidingWindow(calls, seconds, clock)

    def test_each_slot_comes_free_a_window_after_its_call(self):
        """One after the other, as they were taken."""
        clock = Clock()
        limiter = self.make(2, 60.0, clock)
        limiter.arrive()
        clock.sleep(20)
        limiter.arrive()

        assert limiter.arrive().wait == 40
        clock.sleep(40)
        assert let_in(limiter, clock, 2) == 1
        assert limiter.arrive().wait == 20


class TestFixedWindow(LimiterContract):
    """All slots come free together."""

    most = 2 * LIMIT

    def make(self, calls, seconds, clock):
        return FixedWindow(calls, seconds, clock)

    def test_windows_follow_each_other_from_the_start(self):
        """Not from the first call; and around an end twice as many get through."""
        clock = Clock()
        limiter = self.make(60, 60.0, clock)
        clock.sleep(59)

        first = limiter.arrive()
        assert (first.wait, first.remaining) == (1, 59)
        assert let_in(limiter, clock, 100) == 59
        assert limiter.arrive().wait == 1
        clock.sleep(1)
        assert let_in(limiter, clock, 100) == 60
        assert limiter.arrive().wait == 60


class TestTokenBucket(LimiterContract):
    """Slots come back one by one, at a steady pace."""

    most = 2 * LIMIT

    def make(self, calls, seconds, clock):
        return TokenBucket(calls, seconds, clock)

    def test_it_fills_steadily_up_to_its_capacity(self):
        """Half a window brings half of it, and part of a token shortens the wait."""
        clock = Clock()
        limiter = self.make(60, 60.0, clock)
        assert let_in(limiter, clock, 100) == 60

        clock.sleep(30)
        assert let_in(limiter, clock, 100) == 30
        clock.sleep(0.75)
        refused = limiter.arrive()
        assert (refused.allowed, refused.wait) == (False, 0.25)
        clock.sleep(60.25)
        assert let_in(limiter, clock, 100) == 60
