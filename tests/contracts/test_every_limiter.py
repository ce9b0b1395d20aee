"""Every kind of limiter against its contract, and how they differ."""

from stand_ins import Clock

from contracts.limiter_contract import LIMIT, LimiterContract, count_allowed
from socialframe.sandbox.api.rate_limit import FixedWindow, SlidingWindow, TokenBucket


class TestSlidingWindow(LimiterContract):
    """Each slot is free one window after its request."""

    def make(self, calls, seconds, clock):
        return SlidingWindow(calls, seconds, clock)

    def test_each_slot_is_free_one_window_after_its_request(self):
        """In the order of the requests."""
        clock = Clock()
        limiter = self.make(2, 60.0, clock)
        limiter.arrive()
        clock.sleep(20)
        limiter.arrive()

        assert limiter.arrive().wait == 40
        clock.sleep(40)
        assert count_allowed(limiter, clock, 2) == 1
        assert limiter.arrive().wait == 20


class TestFixedWindow(LimiterContract):
    """All slots are free at the start of each window."""

    largest = 2 * LIMIT

    def make(self, calls, seconds, clock):
        return FixedWindow(calls, seconds, clock)

    def test_windows_start_with_the_limiter(self):
        """Not with the first request. Around the start of one, twice the limit is allowed."""
        clock = Clock()
        limiter = self.make(60, 60.0, clock)
        clock.sleep(59)

        first = limiter.arrive()
        assert (first.wait, first.remaining) == (1, 59)
        assert count_allowed(limiter, clock, 100) == 59
        assert limiter.arrive().wait == 1
        clock.sleep(1)
        assert count_allowed(limiter, clock, 100) == 60
        assert limiter.arrive().wait == 60


class TestTokenBucket(LimiterContract):
    """Slots become free one by one at even distances."""

    largest = 2 * LIMIT

    def make(self, calls, seconds, clock):
        return TokenBucket(calls, seconds, clock)

    def test_it_fills_evenly_up_to_its_capacity(self):
        """Half a window gives half the limit; part of a token shortens the wait."""
        clock = Clock()
        limiter = self.make(60, 60.0, clock)
        assert count_allowed(limiter, clock, 100) == 60

        clock.sleep(30)
        assert count_allowed(limiter, clock, 100) == 30
        clock.sleep(0.75)
        refused = limiter.arrive()
        assert (refused.allowed, refused.wait) == (False, 0.25)
        clock.sleep(60.25)
        assert count_allowed(limiter, clock, 100) == 60
