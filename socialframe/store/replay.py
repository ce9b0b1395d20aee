"""Replays the stored replies of one walk, sends its other calls and stores their replies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from socialframe.errors import SocialFrameError, TornWalk
from socialframe.store.stored_walk import COMPLETE, StoredWalk

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.messages.call import Call, Reply
    from socialframe.store.store import WalkStore

_CURSOR_UNKNOWN = {400, 404, 410, 422}  # statuses by which an API refuses an old cursor
_OK = 200
_CONNECT = "connect"  # replies under this path hold tokens and codes
_MINUTE = 60


class Recorder:
    """Sends the calls of one walk.

    A replay and a resumed walk work alike: stored reply *n* is returned if its call is the same.
    Any other call is sent, and its reply is stored.

    Parameters
    ----------
    store : WalkStore or None
        The store of the walk; None stores nothing.
    walk : StoredWalk
        A complete walk is replayed, and an open one continues.
    send : callable
        Sends a call to the API.

    Attributes
    ----------
    replies : int
        Number of returned replies.
    stored : int
        Number of replies that the store had before.
    cursor_expired : SocialFrameError or None
        The API's refusal of the first call after the stored ones.
    torn : bool
        Whether a page of a replayed walk is missing.
    """

    def __init__(
        self,
        store: WalkStore | None,
        walk: StoredWalk,
        send: Callable[[Call, Callable[[str], None] | None], Reply],
    ) -> None:
        self.walk = walk
        self.replays = walk.state == COMPLETE
        self.stored = walk.pages
        self.replies = 0
        self.cursor_expired: SocialFrameError | None = None
        self.torn = False
        self.has_pages = walk.pages > 0  # whether the store has pages of the walk
        self._store = store
        self._send = send
        self._stores = store is not None  # whether every reply so far is in the store
        self._replayable = True
        self._moments: list[float] = []
        self._size = 0

    def send(self, call: Call, notify: Callable[[str], None] | None = None) -> Reply:
        """Return the stored reply of a call, or send it and store the reply.

        Raises
        ------
        TornWalk
            If the walk is replayed and the reply is missing.
        SocialFrameError
            If sending fails.
        """
        if self.replies < self.stored and self._store is not None:
            found = self._store.page(self.walk, self.replies)
            if found is not None and found[0] == call:
                reply = replace(found[1], cached=self.replays, resumed=not self.replays)
                self._count(reply)
                return reply
        if self.replays:
            self.torn = True
            raise TornWalk(f"The cache lost a page of GET {call.path}. Run the query again.")
        try:
            reply = self._send(call, notify)
        except SocialFrameError as error:
            # A refusal is not stored: a resumed walk is refused again, but cannot be replayed.
            self._replayable = False
            resumed = self.replies and self.replies == self.stored
            if resumed and error.status_code in _CURSOR_UNKNOWN:
                self.cursor_expired = error
            raise
        self.cursor_expired = None
        self._keep(call, reply)
        self._count(reply)
        return reply

    def truncate(self, call: Call | None) -> None:
        """Delete the stored reply to a call, because it was invalid, and all later replies.

        If there is none, the last reply led to a wrong call, so that reply is deleted.
        """
        if self._store is not None:
            calls = [found for found, _ in self._store.pages(self.walk)]
            number = calls.index(call) if call in calls else max(0, len(calls) - 1)
            self._store.truncate(self.walk, number)

    def describe(self, age: float) -> str:
        """Describe, in one line, where the walk continues.

        Examples
        --------
        >>> Recorder(None, StoredWalk("1f3a", "", "", "posts", pages=37), None).describe(190.0)
        'continues after 37 pages, received 3 min ago (walk 1f3a)'
        """
        pages = f"{self.stored:,} page{'s' * (self.stored != 1)}"
        ago = f"{age / 60:.0f} min" if age >= _MINUTE else f"{age:.0f} s"
        return f"continues after {pages}, received {ago} ago (walk {self.walk.id})"

    def stop(self, state: str, reason: str, rows: int) -> None:
        """Store why the walk stopped."""
        if self._store is not None:
            self._store.close(self.walk, state, reason, rows)

    def finish(self, *, rows: int, replayable: bool) -> None:
        """Store that the walk is complete."""
        if self.replays or self._store is None:
            return
        if self.replies < self.stored:  # it ended earlier than the run before
            self._stores = self._store.truncate(self.walk, self.replies) and self._stores
        ended = replace(
            self.walk,
            pages=self.replies,
            rows=rows,
            size=self._size,
            first=self._moments[0] if self._moments else 0.0,
            last=self._moments[-1] if self._moments else 0.0,
        )
        replayable = replayable and self._replayable and self._stores and self.replies > 0
        self._store.finish(ended, replayable=replayable)

    def discard(self) -> None:
        """Delete the walk."""
        if self._store is not None and self.replays:
            self._store.delete_complete(self.walk)
        elif self._store is not None:
            self._store.end(self.walk)

    def _keep(self, call: Call, reply: Reply) -> None:
        """Store a reply that was sent."""
        if self._store is None:
            return
        if self.replies < self.stored:  # the walk takes another course than before
            self._stores = self._store.truncate(self.walk, self.replies) and self._stores
            self.stored = self.replies
        secret = _CONNECT in call.path.lower().split("/")
        self._stores = (
            self._stores and not secret and self._store.append(self.walk, self.replies, call, reply)
        )
        self.has_pages = self.has_pages or self._stores

    def _count(self, reply: Reply) -> None:
        self._replayable = self._replayable and reply.status == _OK and not _forbids_storing(reply)
        self.replies += 1
        self._moments[1:] = [reply.at.timestamp()]
        self._size += len(reply.body)


def _forbids_storing(reply: Reply) -> bool:
    control = reply.headers.get("cache-control", "").lower()
    return "no-store" in {part.strip() for part in control.split(",")}
