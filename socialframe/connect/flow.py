"""A flow connects one account once.

::

    idle → waiting → exchanging → connected | failed | choosing     choosing → exchanging
           waiting → denied | expired | cancelled                   choosing → expired | cancelled
"""

from __future__ import annotations

import secrets
import threading
import time
from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn

from socialframe.connect import requests
from socialframe.connect.flow_secrets import SecretScrubber, SecretText
from socialframe.connect.requests import Account, ConsentLink, PageChoice, PageOption, Send
from socialframe.connect.verify import Callback, Verdict, check_callback
from socialframe.errors import ConnectError, NetworkError, SocialFrameError

if TYPE_CHECKING:
    from collections.abc import Callable

CALLBACK_PATH = "/socialframe/callback/"
_MAY_BE_CONNECTED = (
    "The account may be connected nevertheless: check accounts() before you try again."
)


class State(StrEnum):
    IDLE = "idle"
    WAITING = "waiting"
    EXCHANGING = "exchanging"
    CHOOSING = "choosing"
    CONNECTED = "connected"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


ENDED = frozenset({State.CONNECTED, State.DENIED, State.EXPIRED, State.CANCELLED, State.FAILED})


def new_nonce() -> str:
    """Return 128 random bits as a path segment."""
    return secrets.token_urlsafe(16)


class Flow:
    """Connects one account once, within ``timeout`` seconds from ``start``. Thread-safe."""

    def __init__(
        self,
        send: Send,
        platform: str,
        *,
        timeout: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
        make_nonce: Callable[[], str] = new_nonce,
    ) -> None:
        self.platform = requests.path_segment("platform", platform)
        self._send = send
        self._timeout = timeout
        self._clock = clock
        self._nonce = SecretText(make_nonce())
        self._scrubber = SecretScrubber()
        self._scrubber.add(self._nonce)
        self._changed = threading.Condition()
        self._state = State.IDLE
        self._deadline = 0.0
        self._callback = Callback(None)
        self._consent_link: ConsentLink | None = None
        self._page_choice: PageChoice | None = None
        self._account: Account | None = None
        self._reason = ""
        self._cause: SocialFrameError | None = None

    def __repr__(self) -> str:
        return f"<Flow of {self.platform}: {self._state}>"

    def __reduce__(self) -> NoReturn:
        msg = "A Flow cannot be pickled: it holds secrets and a lock."
        raise TypeError(msg)

    @property
    def state(self) -> State:
        """The current state. Reading it expires an overdue flow."""
        with self._changed:
            open_ended = self._state in {State.WAITING, State.CHOOSING}
            if open_ended and self._clock() >= self._deadline:
                self._end(State.EXPIRED, f"Timed out after {self._timeout:g} s.")
            return self._state

    @property
    def path(self) -> str:
        """The secret path of the callback, which holds the nonce."""
        return CALLBACK_PATH + self._nonce

    @property
    def link(self) -> str:
        """The URL of the consent page, after ``start``. It is secret: show it, do not store it."""
        return self._consent_link.url if self._consent_link else ""

    @property
    def options(self) -> tuple[PageOption, ...]:
        """The Facebook Pages to choose from, in the state ``choosing``."""
        return self._page_choice.options if self._page_choice else ()

    def start(self, callback: Callback) -> None:
        """Request the link and wait for the callback. If the API refuses, the flow stays idle."""
        self._require_idle()
        with self._scrubber:
            link = requests.request_link(self._send, self.platform, callback.redirect_url)
            self._scrubber.add(link.url)
            if callback.exact:
                link = link.with_nonce(self._nonce)
                self._scrubber.add(link.url)
            self._scrubber.add(link.state)
        with self._changed:
            self._require_idle()
            self._callback, self._consent_link = callback, link
            self._deadline = self._clock() + self._timeout
            self._set_state(State.WAITING)

    def handle_callback(self, target: str, path: str | None) -> Verdict:
        """Check a callback and exchange its code; only the first valid callback counts.

        A forged callback leaves the flow open; otherwise any web page could end it.
        """
        with self._changed:
            if self.state is not State.WAITING or self._consent_link is None:
                return Verdict.LATE
            state, bound = self._consent_link.state, self._callback.exact
            result = check_callback(target, path, state, bound=bound)
            del target, path, state
            if result.verdict is Verdict.OK:
                self._set_state(State.EXCHANGING)
            elif result.verdict is Verdict.DENIED:
                self._end(State.DENIED, _denial_text(self.platform, result.error))
        if result.verdict is Verdict.OK:
            self._scrubber.add(result.code)
            callback = self._callback  # unlike its URL, it has no repr
            self._exchange(
                lambda: requests.exchange_code(
                    self._send, self.platform, result.code, callback.redirect_url
                )
            )
        return result.verdict

    def handle_pasted(self, text: str) -> Verdict:
        """Check a URL that the user pasted, with the same check as any callback."""
        # Terminals break long lines, and mail clients add brackets.
        text = SecretText("".join(text.split()).strip("\"'<>"))
        return self.handle_callback(text, self._callback.path)

    def choose(self, option: str | PageOption) -> None:
        """Choose a Facebook Page. An unknown id raises, and the choice stays open."""
        page_id = option.id if isinstance(option, PageOption) else option
        with self._changed:
            choice = self._page_choice
            if self.state is not State.CHOOSING or choice is None:
                raise ConnectError(f"There is no Page to choose: the flow is {self._state}.")
            if page_id not in {page.id for page in choice.options}:
                known = ", ".join(f"{page.id} ({page.name})" for page in choice.options)
                raise ConnectError(f"There is no Page {page_id!r}. Choose one of: {known}.")
            self._set_state(State.EXCHANGING)
        self._exchange(
            lambda: requests.choose_page(self._send, self.platform, choice.token, page_id)
        )

    def cancel(self, reason: str = "Cancelled. No account was connected.") -> bool:
        """End the flow without an account, unless the exchange has begun; return whether it did."""
        with self._changed:
            ends = self._state in {State.IDLE, State.WAITING, State.CHOOSING}
            if ends:
                self._end(State.CANCELLED, reason)
        return ends

    def wait(self, seconds: float) -> State:
        """Wait for the next change of state, at most this long; return the state."""
        with self._changed:
            before = self.state
            if before not in ENDED:
                self._changed.wait(seconds)
        return self.state

    def result(self) -> Account:
        """Return the connected account, or raise ConnectError with the reason."""
        state = self.state
        if self._account is not None:
            return self._account
        reason = self._reason or f"The flow is {state}."
        raise ConnectError(reason, state=state, cause=self._cause) from self._cause

    def _require_idle(self) -> None:
        if self._state is not State.IDLE:
            text = f"A flow can be used only once, and this one is {self._state}. Create a new one."
            raise ConnectError(self._reason or text, state=self._state)

    def _exchange(self, request: Callable[[], Account | PageChoice]) -> None:
        """Send a request and set the next state. Every failure ends the flow."""
        try:
            with self._scrubber:
                found = request()
        except SocialFrameError as error:
            self._end(State.FAILED, _failure_text(error), error)
        except BaseException as error:
            name = type(error).__name__
            self._end(State.FAILED, f"{name} interrupted the exchange. {_MAY_BE_CONNECTED}")
            if not isinstance(error, Exception):  # an interrupt must reach the caller
                raise
        else:
            with self._changed:
                if isinstance(found, PageChoice):
                    self._scrubber.add(found.token)
                    self._page_choice = found
                    self._set_state(State.CHOOSING)
                else:
                    self._account = found
                    self._set_state(State.CONNECTED)

    def _set_state(self, state: State) -> None:
        with self._changed:
            self._state = state
            self._changed.notify_all()

    def _end(self, state: State, reason: str, cause: SocialFrameError | None = None) -> None:
        with self._changed:
            self._reason, self._cause = reason, cause
            self._set_state(state)


def _failure_text(error: SocialFrameError) -> str:
    # Without a readable response, the API may have connected the account.
    unknown = isinstance(error, NetworkError) or error.status_code is None
    return f"{error} {_MAY_BE_CONNECTED if unknown else 'A code works only once: connect again.'}"


def _denial_text(platform: str, error: str) -> str:
    if error:
        return f"{platform} refused ({error}). No account was connected."
    return f"Access was denied on the consent page of {platform}. No account was connected."
