"""One attempt to connect an account, and its states.

::

    idle → waiting → exchanging → connected | failed | choosing     choosing → exchanging
           waiting → denied | expired | cancelled                   choosing → expired | cancelled
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn

from socialframe.connect import requests as calls
from socialframe.connect.redact import Hidden
from socialframe.connect.requests import Account, Option, Pick
from socialframe.connect.verify import Callback, Checked, Verdict, check_callback
from socialframe.errors import ConnectError, NetworkError, SocialFrameError

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.connect.requests import Send, Started

CALLBACK = "/socialframe/callback/"


class State(StrEnum):
    """Where a flow stands."""

    IDLE = "idle"
    WAITING = "waiting"
    EXCHANGING = "exchanging"
    CHOOSING = "choosing"
    CONNECTED = "connected"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


OVER = frozenset({State.CONNECTED, State.DENIED, State.EXPIRED, State.CANCELLED, State.FAILED})


def nonce() -> str:
    """Return 128 bits that nobody can guess, as they may stand in a path."""
    return secrets.token_urlsafe(16)


class Flow:
    """One attempt to connect one account. Safe to use from threads; good for once.

    Parameters
    ----------
    send : callable
        One call in, one reply out.
    platform : str
        Where. The API decides whether it knows it.
    timeout : float
        Seconds that it waits for the person, from ``start`` on.
    observer : callable or None
        Told each new state, one at a time and in order, by whichever thread brought it; no lock is
        held meanwhile. What it raises is swallowed.
    clock : callable
        Seconds that only ever grow.
    token : callable
        Makes a nonce.

    Examples
    --------
    >>> flow = Flow(print, "tiktok")
    >>> flow, flow.cancel(), flow
    (<Flow of tiktok: cancelled>, True, <Flow of tiktok: cancelled>)
    """

    def __init__(
        self,
        send: Send,
        platform: str,
        *,
        timeout: float = 300.0,
        observer: Callable[[State], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        token: Callable[[], str] = nonce,
    ) -> None:
        self.platform = calls.part("platform", platform)
        self._send = send
        self._timeout = timeout
        self._observer = observer
        self._clock = clock
        self._hidden = Hidden()
        self._nonce = Checked(Verdict.OK, token())  # held where no repr shows it
        self._hidden.add(self._nonce.code)
        self._changed = threading.Condition()
        self._state = State.IDLE
        self._news: deque[State] = deque()
        self._telling = False
        self._deadline = 0.0
        self._callback = Callback(None)
        self._started: Started | None = None
        self._pick: Pick | None = None
        self._account: Account | None = None
        self._reason = ""
        self._cause: SocialFrameError | None = None

    def __repr__(self) -> str:
        return f"<Flow of {self.platform}: {self._state}>"

    def __reduce__(self) -> NoReturn:
        msg = "A Flow does not pickle: it holds secrets, and somebody waits for it."
        raise TypeError(msg)

    @property
    def state(self) -> State:
        """Where it stands now."""
        with self._changed:
            waits = self._state in {State.WAITING, State.CHOOSING}
            if waits and self._clock() >= self._deadline:
                self._end(State.EXPIRED, f"Nobody answered within {self._timeout:g} s.")
            state = self._state
        self._tell()
        return state

    @property
    def path(self) -> str:
        """A path with the nonce, for a callback of our own."""
        return CALLBACK + self._nonce.code

    @property
    def link(self) -> str:
        """Where to send the person, once it is started. Show it; do not keep it."""
        return self._started.link if self._started else ""

    @property
    def options(self) -> tuple[Option, ...]:
        """The Facebook Pages to choose from, while it is ``choosing``."""
        return self._pick.options if self._pick else ()

    @property
    def reason(self) -> str:
        """Why it ended without an account, as sentences for people."""
        return self._reason

    def start(self, callback: Callback) -> None:
        """Ask the API for the link, and wait for an answer from now on.

        Parameters
        ----------
        callback : Callback
            Where the browser is to be sent. An address that is refused leaves the flow as it was.

        Raises
        ------
        SocialFrameError
            If the API refused, or its answer has no link.
        ConnectError
            If the flow was started or ended before.
        """
        self._must_be_new()
        with self._hidden:
            started = calls.start(self._send, self.platform, callback.redirect)
            self._hidden.add(started.link)
            if callback.exact:
                started = started.bound(self._nonce.code)
                self._hidden.add(started.link)
            self._hidden.add(started.state)
        with self._changed:
            self._must_be_new()
            self._callback, self._started = callback, started
            self._deadline = self._clock() + self._timeout
            self._move(State.WAITING)
        self._tell()

    def answer(self, target: str, path: str | None) -> Verdict:
        """Take what came back, and exchange the code if it is one; only the first one counts.

        Parameters
        ----------
        target : str
            A request's target, or an address.
        path : str or None
            The callback's path as whoever received it knows it.

        Returns
        -------
        Verdict
            A forged answer leaves the flow as it was: else any page could end it.
        """
        _ = self.state  # it may have expired
        with self._changed:
            if self._state is not State.WAITING or self._started is None:
                return Verdict.LATE
            checked = check_callback(target, path, self._started.state, bound=self._callback.exact)
            del target, path
            if checked.verdict is Verdict.OK:
                self._move(State.EXCHANGING)
            elif checked.verdict is Verdict.DENIED:
                self._end(State.DENIED, _refusal(self.platform, checked.refusal))
        self._tell()
        if checked.verdict is Verdict.OK:
            self._hidden.add(checked.code)
            redirect = self._callback
            self._ask(
                lambda: calls.finish(self._send, self.platform, checked.code, redirect.redirect)
            )
        return checked.verdict

    def paste(self, text: str) -> Verdict:
        """Take the address of a page that did not load, as a person copied it.

        Returns
        -------
        Verdict
            As ``answer``: the same judge.
        """
        # A terminal may have broken it into lines, and a mail client put brackets around it.
        address = "".join(text.split()).strip("\"'<>")
        return self.answer(address, self._callback.path)

    def choose(self, option: str | Option) -> None:
        """Say which Facebook Page is meant.

        Raises
        ------
        ConnectError
            If it is none of ``options``, or there is nothing to choose. The flow goes on.
        """
        chosen = option.id if isinstance(option, Option) else option
        _ = self.state
        with self._changed:
            if self._state is not State.CHOOSING or self._pick is None:
                raise ConnectError(f"There is no Page to choose: the flow is {self._state}.")
            pick = self._pick
            if chosen not in {one.id for one in pick.options}:
                known = ", ".join(f"{one.id} ({one.name})" for one in pick.options)
                raise ConnectError(f"{chosen!r} is none of the Pages; there are: {known}.")
            self._move(State.EXCHANGING)
        self._tell()
        self._ask(lambda: calls.pick(self._send, self.platform, pick.token, chosen))

    def cancel(self, reason: str = "It was cancelled.") -> bool:
        """End it without an account; a code that is being exchanged is not called back."""
        with self._changed:
            ends = self._state in {State.IDLE, State.WAITING, State.CHOOSING}
            if ends:
                self._end(State.CANCELLED, reason)
        self._tell()
        return ends

    def wait(self, seconds: float) -> State:
        """Wait for the next change, at most so long, and return the state."""
        before = self.state
        with self._changed:
            if before not in OVER and self._state is before:
                self._changed.wait(seconds)
        return self.state

    def result(self) -> Account:
        """Return who was connected.

        Raises
        ------
        ConnectError
            If nobody was; it says why.
        """
        state = self.state
        if self._account is not None:
            return self._account
        reason = self._reason or f"The flow is {state}."
        raise ConnectError(reason, state=state, cause=self._cause) from self._cause

    def _must_be_new(self) -> None:
        if self._state is not State.IDLE:
            text = f"A flow is good for once, and this one is {self._state}; make a new one."
            raise ConnectError(self._reason or text, state=self._state)

    def _ask(self, question: Callable[[], Account | Pick]) -> None:
        """Ask the API what only the API knows. Whatever happens, the flow ends up in a state."""
        try:
            with self._hidden:
                found = question()
        except SocialFrameError as error:
            self._end(State.FAILED, _failure(error), error)
        except BaseException as error:
            self._end(State.FAILED, f"{type(error).__name__} came in between. {_PERHAPS}")
            if not isinstance(error, Exception):  # an interrupt is for whoever waits here
                raise
        else:
            with self._changed:
                if isinstance(found, Pick):
                    self._hidden.add(found.token)
                    self._pick = found
                    self._move(State.CHOOSING)
                else:
                    self._account = found
                    self._move(State.CONNECTED)
        finally:
            self._tell()

    def _move(self, state: State) -> None:
        with self._changed:
            self._state = state
            self._news.append(state)
            self._changed.notify_all()

    def _end(self, state: State, reason: str, cause: SocialFrameError | None = None) -> None:
        with self._changed:
            self._reason, self._cause = reason, cause
            self._move(state)

    def _tell(self) -> None:
        """Tell the observer what is new; if another thread does so already, that one goes on."""
        while self._observer is not None:
            with self._changed:
                if self._telling or not self._news:
                    return
                self._telling, state = True, self._news.popleft()
            try:
                with suppress(Exception):
                    self._observer(state)
            finally:
                with self._changed:
                    self._telling = False


_PERHAPS = "Perhaps the account is connected all the same: see accounts() before the next attempt."


def _failure(error: SocialFrameError) -> str:
    # Without an answer, or with one that cannot be read, nobody knows what the API did.
    unknown = isinstance(error, NetworkError) or error.status_code is None
    return f"{error} {_PERHAPS if unknown else 'A code is good for once: connect again.'}"


def _refusal(platform: str, word: str) -> str:
    if word:
        return f"{platform} refused ({word}). Nothing was connected."
    return f"The consent page of {platform} was answered with no. Nothing was connected."
