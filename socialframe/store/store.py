"""The walks of a user and their pages, shared by all processes.

Open walks are always in one SQLite file, so that every client can resume them. Complete ones are in
the same file unless ``cache=`` names another place: then they are moved there when they complete.
"""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from socialframe.messages.call import Call, Reply
from socialframe.store.codec import decode, encode
from socialframe.store.eviction import evict
from socialframe.store.lock import WalkLock, is_locked
from socialframe.store.stored_walk import COMPLETE, KILLED, LEFT, LOOPED, RUNNING, SKEW, StoredWalk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from socialframe.sqlite import SQLiteFile
    from socialframe.store.backends import Storage

RESUME_FOR = 3600.0  # seconds; an older walk is resumed only by its id
_MOVED_AT_ONCE = 16  # pages
_EVICT_AFTER = 50  # evict after 1/50 of max_bytes has been written
_NOT_STORED = {"set-cookie", "authorization", "proxy-authorization", "cookie", "connection", "date"}
_STRANGE = "The store of walks has entries that are damaged or of another version; it skips them."


class WalkStore:
    """Stores walks and their pages.

    A store that cannot be used returns nothing and stores nothing; it never raises.

    Parameters
    ----------
    open_file, complete_file : SQLiteFile
        The files of open and of complete walks, which may be the same.
    now : callable
        Unix time.
    max_bytes : int
        Maximum size of the bodies of complete walks in bytes. Can be set.
    """

    def __init__(
        self,
        open_file: SQLiteFile[Storage],
        complete_file: SQLiteFile[Storage],
        *,
        now: Callable[[], float] = time.time,
        max_bytes: int = 1 << 30,
    ) -> None:
        self._open = open_file
        self._complete = complete_file
        self.now = now
        self.max_bytes = max_bytes
        self._locks: dict[str, WalkLock | None] = {}  # of open walks that this process writes
        self._locking = threading.Lock()
        self._written: int | None = None  # bytes since the last eviction; None before the first

    def begin(self, tenant: str, name: str, endpoint: str, query: dict[str, Any]) -> StoredWalk:
        """Return a new open walk; nothing is written before its first page."""
        return StoredWalk(secrets.token_hex(4), tenant, name, endpoint, query)

    def claim(
        self, tenant: str, name: str, walk_id: str = "", *, left_for: float = RESUME_FOR
    ) -> StoredWalk | None:
        """Take over an open walk that no process is writing; None if there is none.

        Parameters
        ----------
        tenant, name : str
            Tenant, and name of the query's key.
        walk_id : str
            Id of the walk, of any age; empty for the newest one younger than an hour.
        left_for : float
            Maximum age in seconds of a walk that was left, for example by ``break``.
        """
        for walk in self.open_walks(name):
            age = self.now() - walk.last
            young = -SKEW < age < (left_for if walk.state == LEFT else RESUME_FOR)
            if (
                walk.tenant == tenant
                and (walk.id == walk_id or (not walk_id and young))
                and walk.state not in {LOOPED, RUNNING}
                and self._lock(walk, new=False)
            ):
                running = replace(walk, state=RUNNING, reason="")
                self._rewrite(running)
                return running
        return None

    def open_walks(self, name: str = "") -> list[StoredWalk]:
        """Return the open walks of one query or of all queries, newest first."""
        found = [self._open_walk(key) for key in self._open_keys(name)]
        return sorted((walk for walk in found if walk is not None), key=lambda walk: -walk.last)

    def expired_walks(self, seconds: float) -> list[StoredWalk]:
        """Return rows of open walks that ended, or are older; running walks are left out."""
        expired = []
        for key in self._open_keys():
            walk = self._open_walk(key)
            row = walk or self._row(self._open, key)  # no open walk: it ended, its row stayed
            old = walk is None or (walk.state != RUNNING and self.now() - walk.last > seconds)
            if row is not None and old and row.id not in self._locks:
                expired.append(row)
        return expired

    def append(self, walk: StoredWalk, number: int, call: Call, reply: Reply) -> bool:
        """Store a reply of an open walk, and the walk with its first reply; return success."""
        entries = {walk.page_key(number): _encode_reply(call, reply)}
        if not number:
            moment = reply.at.timestamp()
            entries[walk.key] = encode(replace(walk, first=moment, last=moment).to_json())

        def write(storage: Storage) -> bool:
            if not number:
                self._lock(walk, new=True)
            elif storage.get(walk.key) is None:
                return False  # the walk was deleted, or its file was renamed
            storage.write(entries)
            return True

        appended = self._open.run(write, otherwise=False)
        if not number and self._written is None:
            self._evict()
        return appended

    def page(self, walk: StoredWalk, number: int) -> tuple[Call, Reply] | None:
        """Return a stored call of a walk and its reply; None if it cannot be read."""
        file = self._complete if walk.state == COMPLETE else self._open
        data = file.run(lambda storage: storage.get(walk.page_key(number)), None)
        found = None if data is None else _decode_reply(data)
        if data is not None and found is None:
            file.warn(_STRANGE)
        return found

    def pages(self, walk: StoredWalk) -> Iterator[tuple[Call, Reply]]:
        """Yield the stored calls and replies of a walk, in order."""
        number = 0
        while (found := self.page(walk, number)) is not None:
            yield found
            number += 1

    def truncate(self, walk: StoredWalk, number: int) -> None:
        """Delete a page of an open walk and all that follow."""
        first = walk.page_key(number)
        self._open.run(
            lambda storage: storage.write(
                {}, [key for key in storage.keys(f"page:{walk.id}:") if key >= first]
            ),
            None,
        )

    def close(self, walk: StoredWalk, state: str, reason: str, rows: int) -> None:
        """Store why an open walk stopped; from then on it may be resumed."""
        if self._is_mine(walk):
            self._rewrite(replace(walk, state=state, reason=reason, rows=rows))
            self._unlock(walk, ended=False)

    def finish(self, walk: StoredWalk, *, replayable: bool) -> None:
        """Complete a walk: keep it for replay, or delete it.

        Earlier walks of the same query are deleted, except running ones.
        """
        if not self._is_mine(walk):
            return
        kept = replayable and walk.size <= self.max_bytes and self._complete_walk(walk)
        # Without its lock, it is never resumed, even if its row could not be deleted.
        self._unlock(walk, ended=True)
        same = [one for one in self.open_walks(walk.name) if one.state != RUNNING]
        moved = kept and self._complete is not self._open
        self.discard([*same, *([] if kept and not moved else [walk])], shrink=not kept)
        if kept:
            self._written = (self._written or 0) + walk.size
            if self._written * _EVICT_AFTER > self.max_bytes:
                self._evict()

    def discard(self, walks: Iterable[StoredWalk], *, shrink: bool = True) -> int:
        """Delete open walks; return the number of deleted walks."""
        gone = list(walks)

        def delete(storage: Storage) -> bool:
            pages = [key for walk in gone for key in storage.keys(f"page:{walk.id}:")]
            storage.write({}, [*pages, *(walk.key for walk in gone)])
            if shrink:
                storage.shrink()
            return True

        deleted = bool(gone) and self._open.run(delete, otherwise=False)
        for walk in gone:
            self._unlock(walk, ended=True)
        return len(gone) if deleted else 0

    def find_complete(self, tenant: str, names: Iterable[str]) -> StoredWalk | None:
        """Return the newest complete walk with one of the names."""
        found = (self._row(self._complete, f"walk:{name}") for name in dict.fromkeys(names))
        walks = [walk for walk in found if walk is not None and walk.tenant == tenant]
        return max(walks, key=lambda walk: walk.first, default=None)

    def complete_walks(self) -> list[StoredWalk]:
        """Return all complete walks, newest first."""
        keys = _keys(self._complete, "walk:")
        found = (self._row(self._complete, key) for key in keys if key.count(":") == 1)
        return sorted((walk for walk in found if walk is not None), key=lambda walk: -walk.first)

    def delete_complete(self, walk: StoredWalk, *, shrink: bool = False) -> bool:
        """Delete a complete walk, but no newer one of its query; return whether it was deleted."""

        def delete(storage: Storage) -> bool:
            current = _decode_walk(storage.get(walk.key) or b"")
            newer = current is not None and current.id != walk.id
            storage.write({}, [*walk.page_keys(), *([] if newer else [walk.key])])
            if shrink:
                storage.shrink()
            return True

        return self._complete.run(delete, otherwise=False)

    def shut(self) -> None:
        """Close the files. The next use opens them again."""
        self._open.close()
        self._complete.close()

    def _complete_walk(self, walk: StoredWalk) -> bool:
        """Make an open walk the complete one of its query, in place of an older one."""
        row = replace(walk, state=COMPLETE)
        same_file = self._complete is self._open
        if not same_file and not self._move_pages(walk):
            return False

        def write(storage: Storage) -> bool:
            older = _decode_walk(storage.get(row.key) or b"")
            gone = older.page_keys() if older is not None and older.id != row.id else []
            gone += [walk.key] * same_file
            storage.write({row.key: encode(row.to_json())}, gone)
            return True

        return self._complete.run(write, otherwise=False)

    def _move_pages(self, walk: StoredWalk) -> bool:
        keys = walk.page_keys()
        for start in range(0, len(keys), _MOVED_AT_ONCE):
            group = keys[start : start + _MOVED_AT_ONCE]
            read = _values(self._open, group)
            pages = {key: bytes(data) for key, data in zip(group, read, strict=False) if data}

            def write(storage: Storage, pages: dict[str, bytes] = pages) -> bool:
                storage.write(pages)
                return True

            if len(pages) < len(group) or not self._complete.run(write, otherwise=False):
                return False
        return True

    def _evict(self) -> None:
        self._written = 0
        evict(self)

    def _open_keys(self, name: str = "") -> list[str]:
        keys = _keys(self._open, f"walk:{name}")
        return [key for key in keys if key.count(":") == 2]  # noqa: PLR2004 - as StoredWalk.key

    def _open_walk(self, key: str) -> StoredWalk | None:
        """Return an open walk with its pages counted; None if it has ended."""
        walk = self._row(self._open, key)
        if walk is None:
            return None
        pages = f"page:{walk.id}:"
        keys = _keys(self._open, pages)
        last = self.page(walk, len(keys) - 1) if keys else None
        size = self._open.run(lambda storage: storage.stored_size(pages), 0)
        moment = walk.last if last is None else last[1].at.timestamp()
        walk = replace(walk, pages=len(keys), size=size, last=moment)
        path = self._lock_path(walk)
        running = walk.id in self._locks if path is None else is_locked(path)
        if path is not None and not path.exists():
            return None
        if running:
            return replace(walk, state=RUNNING)
        if walk.state == RUNNING:
            return replace(walk, state=KILLED, reason="its process ended")
        return walk

    def _row(self, file: SQLiteFile[Storage], key: str) -> StoredWalk | None:
        data = file.run(lambda storage: storage.get(key), None)
        found = None if data is None else _decode_walk(data)
        if data is not None and found is None:
            file.warn(_STRANGE)
        return found

    def _rewrite(self, walk: StoredWalk) -> None:
        def write(storage: Storage) -> None:
            if storage.get(walk.key) is not None:
                storage.write({walk.key: encode(walk.to_json())})

        self._open.run(write, None)

    def _lock_path(self, walk: StoredWalk) -> Path | None:
        path = self._open.path
        return None if path is None else path.with_name(f"walk-{walk.id}.lock")

    def _lock(self, walk: StoredWalk, *, new: bool) -> bool:
        """Take the lock of a walk; raise OSError if a new one cannot be made."""
        path = self._lock_path(walk)
        with self._locking:
            if walk.id in self._locks and (path is None or not new):
                return False
            lock = None
            if path is not None:
                lock = WalkLock.create(path) if new else WalkLock.take(path)
            if path is None or lock is not None:
                self._locks[walk.id] = lock
            return walk.id in self._locks

    def _is_mine(self, walk: StoredWalk) -> bool:
        """Return whether this process writes the walk; a forked child does not."""
        lock = self._locks.get(walk.id)
        return walk.id in self._locks and (lock is None or lock.mine)

    def _unlock(self, walk: StoredWalk, *, ended: bool) -> None:
        with self._locking:
            lock = self._locks.pop(walk.id, None)
        if lock is not None and ended:
            lock.remove()
        elif lock is not None:
            lock.free()
        elif ended and (path := self._lock_path(walk)) is not None:
            path.unlink(missing_ok=True)


def _keys(file: SQLiteFile[Storage], prefix: str) -> list[str]:
    none: list[str] = []
    return file.run(lambda storage: storage.keys(prefix), none)


def _values(file: SQLiteFile[Storage], keys: list[str]) -> list[bytes | None]:
    none: list[bytes | None] = []
    return file.run(lambda storage: [storage.get(key) for key in keys], none)


def _encode_reply(call: Call, reply: Reply) -> bytes:
    headers = [(name, value) for name, value in reply.headers.items() if name not in _NOT_STORED]
    head = [call.path, call.params, call.url, reply.status, headers, reply.at.timestamp()]
    return encode([*head, reply.url], reply.body)


def _decode_reply(data: bytes) -> tuple[Call, Reply] | None:
    found = decode(data)
    if found is None:
        return None
    try:
        path, params, url, status, headers, moment, asked = found[0]
        call = Call(path, tuple((name, value) for name, value in params), url)
        at = datetime.fromtimestamp(moment, UTC)
        return call, Reply(status, dict(headers), found[1], at, asked)
    except (ValueError, TypeError):
        return None


def _decode_walk(data: bytes) -> StoredWalk | None:
    found = decode(data)
    return None if found is None else StoredWalk.from_json(found[0])
