"""What unfinished walks have fetched so far, on disk: the reason that they can be resumed.

A reply is written before it is handed on. Going on is then nothing but the same walk again: its
first calls are answered from here, as long as they are the same, and all others by the API.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from socialframe.errors import SocialFrameError
from socialframe.messages.call import Call, Reply
from socialframe.store.codec import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from socialframe.messages.call import Send
    from socialframe.store.store import Walks

_NOT_KNOWN = {400, 404, 410, 422}  # how an API says that it no longer knows a cursor
_MINUTE = 60
_NEVER = "connect"  # replies under this path hold tokens and codes


@dataclass(slots=True, repr=False)
class Journal:
    """The journal of one walk.

    Parameters
    ----------
    walks : Walks
        Where it is kept.
    id : str
        Its name there.
    pages : int
        Replies that it holds from an earlier run.
    age : float
        Seconds since the last of them came.

    Attributes
    ----------
    outdated : SocialFrameError or None
        How the API refused the first call after the replies that were kept.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from socialframe.store.stored_walk import Started
    >>> from socialframe.store.store import Walks
    >>> walks = Walks(None, lambda: pa.Codec("zstd"))
    >>> reply = Reply(200, {}, b"[]", datetime(2026, 1, 1, tzinfo=UTC))
    >>> journal = walks.begin(Started("tenant", "name", "accounts", {}))
    >>> journal.through(lambda *_: reply)(Call("/v1/accounts")).journalled
    False
    >>> journal.left("interrupted", "", rows=0)
    >>> send = walks.pick("tenant", "name").through(lambda *_: reply)
    >>> send(Call("/v1/accounts")).journalled
    True
    """

    walks: Walks
    id: str
    pages: int = 0
    age: float = 0.0
    outdated: SocialFrameError | None = None
    _place: int = 0

    def through(self, send: Send) -> Send:
        """Return a way to send that answers from the journal first, and keeps what comes."""

        def sent(call: Call, notify: Callable[[str], None] | None = None) -> Reply:
            place = self._place
            if place < self.pages:
                kept = self._kept(place)
                if kept is not None and kept[0] == call:
                    self._place += 1
                    return kept[1]
            try:
                # A refusal is not kept: a walk that tries a way and is refused goes on as it did.
                reply = send(call, notify)
            except SocialFrameError as error:
                if place and place == self.pages and error.status_code in _NOT_KNOWN:
                    self.outdated = error
                raise
            self._place += 1
            self.outdated = None
            if place < self.pages:
                # The walk takes another way than it did: what lies behind is of no use to it.
                self.walks.cut(self.id, place)
                self.pages = place
            if _NEVER not in call.path.lower().split("/"):
                self.walks.add(self.id, place, _written(call, reply), _kept(reply))
            return reply

        return sent

    def replies(self) -> Iterator[tuple[Call, Reply]]:
        """Yield what is kept, in order."""
        place = 0
        while (kept := self._kept(place)) is not None:
            yield kept
            place += 1

    def cut(self, call: Call | None) -> None:
        """Forget the reply to a call, and what came after it: it was not what it should be.

        Where there is none, the call was not one to be sent: the last reply led to it.
        """
        calls = self.walks.calls(self.id)
        place = max(0, len(calls) - 1)
        with suppress(ValueError, TypeError):  # a damaged one
            known = [_called(text)[0] for text in calls]
            place = known.index(call) if call in known else place
        self.walks.cut(self.id, place)

    def told(self) -> str:
        """Say in one line that the walk goes on.

        Examples
        --------
        >>> Journal(None, "1f3a", pages=37, age=190.0).told()
        'goes on after the 37 pages that came 3 min ago (walk 1f3a)'
        """
        pages = f"the {self.pages:,} pages" if self.pages > 1 else "the page"
        ago = f"{self.age / 60:.0f} min" if self.age >= _MINUTE else f"{self.age:.0f} s"
        return f"goes on after {pages} that came {ago} ago (walk {self.id})"

    def left(self, state: str, reason: str, rows: int) -> None:
        """Note that the walk is not at work any more, and why."""
        self.walks.note(self.id, state, reason, rows)

    def done(self) -> None:
        """Forget it all: the walk came to its end."""
        self.walks.ended(self.id)

    def dropped(self) -> None:
        """Forget it all: there is nothing to go on from."""
        self.walks.remove([self.id])

    def _kept(self, place: int) -> tuple[Call, Reply] | None:
        found = self.walks.page(self.id, place)
        try:
            return None if found is None else _read(*found)
        except (ValueError, TypeError):  # damaged, and as good as gone
            return None


def _written(call: Call, reply: Reply) -> str:
    return json.dumps([call.path, call.params, call.url, reply.url])


def _kept(reply: Reply) -> Kept:
    return Kept(reply.status, tuple(reply.headers.items()), reply.body, reply.at.timestamp())


def _called(text: str) -> tuple[Call, str]:
    """Return a call, and the address that was asked for it."""
    path, params, url, asked = json.loads(text)
    return Call(path, tuple((name, value) for name, value in params), url), asked


def _read(text: str, kept: Kept) -> tuple[Call, Reply]:
    call, asked = _called(text)
    at = datetime.fromtimestamp(kept.at, UTC)
    reply = Reply(kept.status, dict(kept.headers), kept.body, at, asked)
    return call, replace(reply, journalled=True)
