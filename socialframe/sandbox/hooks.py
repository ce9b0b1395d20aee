"""Webhooks: who wants to hear of what, and telling them.

Their settings are no page's but the sibling's (9.6), with ``id`` for ``_id`` as of posts (9.1);
what is delivered is documented (5.12).
"""

from __future__ import annotations

import secrets
import threading
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from socialframe.sandbox.answers import Answer
from socialframe.sandbox.asking import ApiError, invalid
from socialframe.sandbox.delivery import Line, Receipt, is_loopback, send, sign
from socialframe.sandbox.dress import event_dressed
from socialframe.sandbox.fields import text_in
from socialframe.sandbox.state import stamp
from socialframe.sandbox.world import dumps

if TYPE_CHECKING:
    from datetime import datetime

    from socialframe.sandbox.answers import Routes
    from socialframe.sandbox.asking import Ask
    from socialframe.sandbox.state import State
    from socialframe.sandbox.switches import Switches
    from socialframe.sandbox.world import Json

#: Section 6.5.
EVENTS = (
    "post.published",
    "post.failed",
    "post.scheduled",
    "account.connected",
    "account.disconnected",
)
TEST_EVENT = "webhook.test"  # the sibling's

MOST_HOOKS = 10
PAUSES = (1.0, 2.0, 4.0)  # seconds before each of the at most 3 retries
FAILURES = 10  # in a row, that turn a webhook off
KEPT_LOGS = 1000
KEPT_DAYS = 7

_SIGNED_BY = {
    "documented": ("X-SocialSyncerAPI-Signature",),
    "sample": ("x-socialapi-signature",),  # 8.1
    "both": ("X-SocialSyncerAPI-Signature", "x-socialapi-signature"),
}


@dataclass(frozen=True, slots=True)
class Hook:
    """One receiver, as it was registered and as it fares.

    Examples
    --------
    >>> hook = Hook("wh_1", "http://127.0.0.1:9/in", ("post.failed",), "whsec_demo_1")
    >>> "whsec" in f"{hook} {hook.shown()}"
    False
    """

    id: str
    url: str
    events: tuple[str, ...]
    secret: str = field(repr=False)
    name: str | None = None
    active: bool = True
    last_fired: str | None = None
    failures: int = 0

    def shown(self) -> Json:
        """Show all but the secret."""
        return {
            "id": self.id,
            "name": self.name,
            "url": self.url,
            "events": self.events,
            "isActive": self.active,
            "lastFiredAt": self.last_fired,
            "failureCount": self.failures,
        }


class Parcel(NamedTuple):
    """One event for one receiver; each attempt sends the same bytes."""

    hook: str
    event: str
    body: bytes
    pauses: tuple[float, ...]


class Hooks:
    """The webhooks of one sandbox, and what became of their deliveries.

    Examples
    --------
    >>> Hooks().listed()
    []
    """

    state: State
    switches: Switches

    def __init__(self) -> None:
        self._hooks: dict[str, Hook] = {}
        self._lines: dict[str, Line] = {}
        self._log: deque[Json] = deque(maxlen=KEPT_LOGS)
        self._logged = 0
        self._lock = threading.Lock()

    def listen(self, state: State, switches: Switches) -> None:
        """Hear of all that a state announces, from now on."""
        self.state, self.switches = state, switches
        state.listeners.append(self.tell)

    def listed(self) -> list[Hook]:
        """Give all webhooks, in the order in which they were registered."""
        with self._lock:
            return list(self._hooks.values())

    def add(self, hook: Hook) -> None:
        """Register one more."""
        with self._lock:
            if len(self._hooks) >= MOST_HOOKS:
                raise invalid(f"There may be at most {MOST_HOOKS} webhooks")
            self._hooks[hook.id] = hook
            self._lines[hook.id] = Line()

    def change(self, hook_id: str, **changes: Any) -> Hook:  # noqa: ANN401 - the fields of Hook
        """Put a changed webhook in the place of one."""
        with self._lock:
            hook = replace(self._known(hook_id), **changes)
            self._hooks[hook_id] = hook
            return hook

    def remove(self, hook_id: str) -> None:
        """Forget one; what waits for it is not sent."""
        with self._lock:
            self._known(hook_id)
            del self._hooks[hook_id], self._lines[hook_id]

    def find(self, hook_id: str) -> Hook:
        """Give one, or refuse with 404."""
        with self._lock:
            return self._known(hook_id)

    def tell(self, event: str, data: Json, at: datetime) -> None:
        """Tell all who want to hear of it that something happened; they are not waited for."""
        for hook in self.listed():
            if hook.active and event in hook.events:
                self.deliver(hook, event, data, at, PAUSES)

    def deliver(
        self, hook: Hook, event: str, data: Json, at: datetime, pauses: tuple[float, ...] = ()
    ) -> None:
        """Send to one webhook, soon, what happened at that moment."""
        told = {"event": event, "timestamp": stamp(at), "data": data}
        body = dumps(event_dressed(told, self.switches))
        parcel = Parcel(hook.id, event, body, pauses)
        line = self._lines.get(hook.id)
        if line is not None and not line.put(lambda: self._send(parcel)):
            self._note(hook, parcel, 1, Receipt(None, "not sent: too many deliveries wait"))

    def flush(self) -> None:
        """Wait until everything is delivered or given up."""
        for line in list(self._lines.values()):
            line.flush()

    def logs(self) -> list[Json]:
        """Give the attempts of the last 7 days, the latest first."""
        oldest = stamp(self.state.now - timedelta(days=KEPT_DAYS))
        with self._lock:
            return [row for row in reversed(self._log) if row["createdAt"] >= oldest]

    def _known(self, hook_id: str) -> Hook:
        if hook_id not in self._hooks:
            raise ApiError(404, "NOT_FOUND", "Webhook not found")
        return self._hooks[hook_id]

    def _send(self, parcel: Parcel) -> None:
        """Try until the receiver has it, or often enough."""
        for attempt, pause in enumerate((0.0, *parcel.pauses), 1):
            if pause:
                self.state.sleep(pause)
            # Looked up each time: it may have been changed, turned off or removed meanwhile.
            hook = self._hooks.get(parcel.hook)
            if hook is None or not hook.active:
                return
            if not (self.switches.deliver_anywhere or is_loopback(hook.url)):
                self._note(hook, parcel, attempt, Receipt(None, "not sent: only loopback"))
                return
            receipt = send(hook.url, parcel.body, self._headers(hook, parcel))
            self._note(hook, parcel, attempt, receipt)
            if receipt.error is None:
                break
        self._count(parcel.hook, failed=receipt.error is not None)

    def _headers(self, hook: Hook, parcel: Parcel) -> dict[str, str]:
        signature = sign(hook.secret, parcel.body)
        return {
            "Content-Type": "application/json",
            "User-Agent": "socialframe-sandbox",
            "X-Sandbox": "made-up data",
            **dict.fromkeys(_SIGNED_BY[self.switches.signature_header], signature),
        }

    def _count(self, hook_id: str, *, failed: bool) -> None:
        with self._lock:
            hook = self._hooks.get(hook_id)
            if hook is not None:
                failures = hook.failures + 1 if failed else 0
                active = hook.active and failures < FAILURES
                fired = stamp(self.state.now)
                self._hooks[hook_id] = replace(
                    hook, failures=failures, active=active, last_fired=fired
                )

    def _note(self, hook: Hook, parcel: Parcel, attempt: int, receipt: Receipt) -> None:
        with self._lock:
            self._logged += 1
            row = {
                "id": f"whlog_{self._logged}",
                "webhookId": hook.id,
                "webhookName": hook.name,
                "event": parcel.event,
                "url": hook.url,
                "status": "success" if receipt.error is None else "failed",
                "statusCode": receipt.status,
                "error": receipt.error,
                "attemptNumber": attempt,
                "createdAt": stamp(self.state.now),
            }
            self._log.append(row)


def _settings(body: Json) -> dict[str, Any]:
    """Read the fields of a webhook that a body has."""
    found: dict[str, Any] = {}
    if body.get("url") is not None:
        found["url"] = _url(text_in(body, "url", most=2048))
    if body.get("events") is not None:
        events = body["events"]
        if not (isinstance(events, list) and events and all(one in EVENTS for one in events)):
            raise invalid(f"events must be a list of one or more of: {', '.join(EVENTS)}")
        found["events"] = tuple(dict.fromkeys(events))
    for name, most in (("name", 50), ("secret", 256)):
        if body.get(name) is not None:
            found[name] = text_in(body, name, most=most)
    if body.get("isActive") is not None:
        if not isinstance(body["isActive"], bool):
            raise invalid("isActive must be true or false")
        found["active"] = body["isActive"]
    return found


def _url(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = (
            url.isascii()
            and " " not in url
            and parts.scheme in {"http", "https"}
            and parts.hostname
            and "@" not in parts.netloc
            and parts.port != 0
        )
    except ValueError:
        good = False
    if not good:
        raise invalid("url must be an http or https URL, without a user name")
    return url


def register(ask: Ask) -> Answer:
    """Answer ``POST /v1/webhooks/settings``; a secret that the sandbox made is told here, once.

    Parameters
    ----------
    ask
        The request.

    Returns
    -------
    Answer
        The webhook.

    Raises
    ------
    ApiError
        400, if a field is missing or wrong, or there are ten already.

    Examples
    --------
    >>> from werkzeug.test import Client
    >>> from socialframe.sandbox import Sandbox
    >>> body = {"url": "http://127.0.0.1:9/in", "events": ["post.failed"]}
    >>> headers = {"Authorization": "Bearer sk_demo"}
    >>> client = Client(Sandbox(key="sk_demo"))
    >>> reply = client.post("/v1/webhooks/settings", json=body, headers=headers).json
    >>> reply["success"], reply["webhook"]["secret"][:6]
    (True, 'whsec_')
    """
    found = _settings(ask.json())
    for name in ("url", "events"):
        if name not in found:
            raise invalid(f"{name} is required")
    made: dict[str, Any] = {} if "secret" in found else {"secret": f"whsec_{secrets.token_hex(24)}"}
    hook = Hook(id=f"wh_{secrets.token_hex(4)}", **found, **made)
    ask.box.part(Hooks).add(hook)
    return Answer(dumps({"success": True, "webhook": {**hook.shown(), **made}}))


def registered(ask: Ask) -> Answer:
    """Answer ``GET /v1/webhooks/settings``.

    Parameters
    ----------
    ask
        The request.

    Returns
    -------
    Answer
        All webhooks, without their secrets.

    Examples
    --------
    >>> from socialframe.sandbox import Sandbox
    >>> from socialframe.sandbox.asking import Ask
    >>> state = Sandbox().state
    >>> registered(Ask(state.world, {}, {}, state=state)).body
    b'{"webhooks":[]}'
    """
    return Answer(dumps({"webhooks": [hook.shown() for hook in ask.box.part(Hooks).listed()]}))


def update(ask: Ask) -> Answer:
    """Answer ``PUT /v1/webhooks/settings``: what the body has is changed, the rest stays."""
    body = ask.json()
    hook_id = text_in(body, "id", most=255)
    found = _settings(body)
    if found.get("active"):
        found["failures"] = 0
    hook = ask.box.part(Hooks).change(hook_id, **found)
    return Answer(dumps({"success": True, "webhook": hook.shown()}))


def remove(ask: Ask) -> Answer:
    """Answer ``DELETE /v1/webhooks/settings?id=``."""
    hook_id = ask.text("id")
    if hook_id is None:
        raise invalid("id is required")
    ask.box.part(Hooks).remove(hook_id)
    return Answer(dumps({"success": True}))


def try_out(ask: Ask) -> Answer:
    """Answer ``POST /v1/webhooks/test``: one attempt, with an event that is none of the five."""
    hooks = ask.box.part(Hooks)
    hook = hooks.find(text_in(ask.json(), "webhookId", most=255))
    if not hook.active:
        raise invalid("The webhook is off; set isActive first")
    hooks.deliver(hook, TEST_EVENT, {"message": "A test. Nothing happened."}, ask.box.now)
    return Answer(dumps({"success": True, "message": "The test is on its way; see the logs"}))


def logs(ask: Ask) -> Answer:
    """Answer ``GET /v1/webhooks/logs``, an attempt a row, the latest first; not paged (9.2)."""
    limit = ask.whole("limit", default=50, top=100)
    wanted = {name: ask.text(name) for name in ("status", "event", "webhookId")}
    rows = [
        row
        for row in ask.box.part(Hooks).logs()
        if all(value in (None, row[name]) for name, value in wanted.items())
    ]
    return Answer(dumps({"logs": rows[:limit]}))


ROUTES: Routes = {
    ("POST", "/v1/webhooks/settings"): register,
    ("GET", "/v1/webhooks/settings"): registered,
    ("PUT", "/v1/webhooks/settings"): update,
    ("DELETE", "/v1/webhooks/settings"): remove,
    ("POST", "/v1/webhooks/test"): try_out,
    ("GET", "/v1/webhooks/logs"): logs,
}
"""What answers where."""
