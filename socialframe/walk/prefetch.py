"""Sends the next calls of a walk early, while replies are slow and their calls are known."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING

from socialframe.errors import SocialFrameError

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.messages.call import Call, Reply, Send

_MOST = 4  # calls at once
_SLOW = 0.02  # seconds; replies that are faster gain nothing from threads
_POLL = 0.5  # seconds between two looks at the reason of a wait
_PATIENCE = 1.0  # seconds to wait, when a walk stops, for calls under way


class Prefetch:
    """Sends the calls of one walk in their order, some of them early. Use it in one thread.

    An early call is sent in a thread. If it fails, its error is dropped: the call is sent again
    when it is due, and no later call is sent early. ``rate`` returns how many requests a second the
    rate limit allows.
    """

    def __init__(self, send: Send, rate: Callable[[], float]) -> None:
        self._send = send
        self._rate = rate
        self._early: dict[Call, _EarlyCall] = {}
        self._last: Call | None = None
        self._latency = math.inf  # of the fastest reply; a wait for the rate limit is no latency
        self._enabled = True
        self._most = 0
        self._unused = 0

    @property
    def unused(self) -> int:
        """Number of early calls whose replies no walk has read."""
        return self._unused + len(self._early)

    def send(self, call: Call, notify: Callable[[str], None] | None = None) -> Reply:
        """Return the reply of a call, which may have been sent already."""
        early = self._early.pop(call, None)
        reply = None if early is None else early.wait(notify)
        if reply is None or early is None:
            self._enabled = self._enabled and early is None and not self._early
            started = time.perf_counter()
            reply = self._send(call, notify)
            seconds = time.perf_counter() - started
        else:
            seconds = early.seconds
        self._latency = min(self._latency, seconds)
        self._last = call
        return reply

    def expect(self, sent: Call, following: Call, counter: str, more: int) -> None:
        """Send calls early: ``following`` and at most ``more`` after it.

        Parameters
        ----------
        sent, following : Call
            The last call and the next one.
        counter : str
            The parameter by which they differ; it grows by the same number with each call.
        more : int
            Number of calls that are known to come after ``following``.
        """
        if not self._enabled or sent != self._last or self._latency < _SLOW:
            return
        self._most = self._most or min(_MOST, math.ceil(self._rate() * self._latency) + 1)
        before, number = _whole(sent.param(counter)), _whole(following.param(counter))
        if before is None or number is None:
            return
        for position in range(min(self._most, more + 1)):
            call = following.with_param(counter, number + position * (number - before))
            if position == 0 and call != following:
                return  # they differ by more than the counter
            if call not in self._early:
                self._early[call] = _EarlyCall(self._send, call)

    def close(self) -> None:
        """Stop the calls under way; wait for them for a moment. Another walk may follow."""
        until = time.monotonic() + _PATIENCE
        for early in self._early.values():
            early.stop()
        for early in self._early.values():
            early.thread.join(max(0.0, until - time.monotonic()))
        self._unused, self._early = self.unused, {}


class _EarlyCall:
    """A call that a thread sends."""

    def __init__(self, send: Send, call: Call) -> None:
        self.seconds = math.inf
        self._send = send
        self._call = call
        self._reply: Reply | None = None
        self._note = ""
        self._stopped = False
        self._done = threading.Event()
        # The process may end while the reply is awaited.
        self.thread = threading.Thread(target=self._run, name="socialframe-prefetch", daemon=True)
        self.thread.start()

    def wait(self, notify: Callable[[str], None] | None) -> Reply | None:
        """Return the reply; None if the call failed. ``notify`` gets the reason of a wait."""
        while not self._done.wait(_POLL):
            if notify is not None and self._note:
                notify(self._note)
        return self._reply

    def stop(self) -> None:
        """End a wait for the rate limit within a second."""
        self._stopped = True

    def _run(self) -> None:
        started = time.perf_counter()
        try:
            self._reply = self._send(self._call, self._keep_note)
        except SocialFrameError:
            pass  # the walk sends the call again and raises the error in its turn
        finally:
            self.seconds = time.perf_counter() - started
            self._done.set()

    def _keep_note(self, text: str) -> None:
        if self._stopped:
            raise _StoppedError
        self._note = text


class _StoppedError(SocialFrameError):
    """The walk ended before the call was sent."""


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None
