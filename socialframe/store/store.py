"""The walks of a user and their pages, shared by all processes.

Open walks are always in one SQLite file, so that every client can resume them. Complete ones are in
the same file unless ``cache=`` names another place: then they are moved there when they complete.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from operator import methodcaller
from typing import TYPE_CHECKING, Any

from socialframe.messages.call import Call, Reply
from socialframe.sqlite import is_deferring
from socialframe.store.codec import decode, encode
from socialframe.store.eviction import evict
from socialframe.store.lock import (
    MemoryLock,
    WalkLock,
    has_ended,
    is_locked,
    lock_path,
    remove_stray_locks,
)
from socialframe.store.stored_walk import COMPLETE, KILLED, LEFT, LOOPED, RUNNING, SKEW, StoredWalk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from socialframe.sqlite import SQLiteFile
    from socialframe.store.backends import Storage

RESUME_FOR = 3600.0  # seconds; an older walk is resumed only by its id
_MOVED_AT_ONCE = 16  # pages
_MOVED_WITHIN = 86400.0  # seconds; a process that has not moved its pages by then was killed
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
        # Of open walks that this process writes. There is no lock around it: an abandoned generator
        # may be collected while this thread has it. Each operation is one of a dict, or of SQLite.
        self._locks: dict[str, WalkLock | MemoryLock] = {}
        self._written: int | None = None  # bytes since the last eviction; None before the first

    def begin(self, tenant: str, name: str, endpoint: str, query: dict[str, Any]) -> StoredWalk:
        """Return a new open walk; nothing is written before its first page."""
        return StoredWalk(secrets.token_hex(4), tenant, name, endpoint, query)

    def claim(
        self, tenant: str, name: str, walk_id: str = "", *, left_for: float = RESUME_FOR
    ) -> StoredWalk | None:
        """Take over an open walk that no process is writing; None if there is none.

        The returned walk has the state in which it was found.

        Parameters
        ----------
        tenant, name : str
            Tenant, and name of the query's key.
        walk_id : str
            Id of the walk, of any age; empty for the newest one younger than an hour.
        left_for : float
            Maximum age in seconds of a walk that was left, for example by ``break``.
        """

        def may_resume(walk: StoredWalk) -> bool:
            age = self.now() - walk.last
            young = -SKEW < age < (left_for if walk.state == LEFT else RESUME_FOR)
            wanted = walk.id == walk_id or (not walk_id and young)
            return walk.tenant == tenant and wanted and walk.state != LOOPED

        for walk in self.open_walks(name):
            if may_resume(walk) and walk.state != RUNNING and self._lock(walk, new=False):
                claimed = False
                try:
                    # Another process may have continued it before this one had its lock.
                    current = self._measured(walk.key)
                    if current is not None and may_resume(current):
                        running = replace(current, state=RUNNING, reason="")
                        self._rewrite(running)
                        claimed = True
                        return replace(running, state=walk.state)
                finally:
                    if not claimed:
                        self._unlock(walk, ended=False)
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
            if number and storage.get(walk.key) is None:
                return False  # it was deleted, or its file was set aside
            storage.write(entries)
            return True

        # A forked child may continue the walk of its parent; only one of them stores pages.
        mine = self._is_mine(walk) or (
            not number and self._open.run(lambda _: self._lock(walk, new=True), otherwise=False)
        )
        appended = mine and _change(self._open, write)
        if not number and not appended and self._is_mine(walk):
            self._unlock(walk, ended=True)
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

    def truncate(self, walk: StoredWalk, number: int) -> bool:
        """Delete a page of an open walk and all that follow; return whether they are gone."""
        first = walk.page_key(number)

        def delete(storage: Storage) -> None:
            keys = storage.keys(f"page:{walk.id}:")
            storage.write({}, [key for key in keys if key >= first])

        return self._is_mine(walk) and _change(self._open, delete)

    def close(self, walk: StoredWalk, state: str, reason: str, rows: int) -> None:
        """Store why an open walk stopped; from then on it may be resumed.

        If that cannot be stored, the walk would count as killed. So one that was left or looped
        ends, because these states limit whether it is resumed.
        """
        if self._is_mine(walk):
            kept = state not in {LEFT, LOOPED} or is_deferring()
            try:
                kept = self._rewrite(replace(walk, state=state, reason=reason, rows=rows)) or kept
            finally:
                self._unlock(walk, ended=not kept)

    def finish(self, walk: StoredWalk, *, replayable: bool) -> None:
        """Complete a walk: keep it for replay, or delete it.

        Earlier walks of the same query are deleted, except running ones.
        """
        if not self._is_mine(walk):
            return
        try:
            kept = replayable and walk.size <= self.max_bytes and self._complete_walk(walk)
        except BaseException:  # Ctrl-C
            self._unlock(walk, ended=False)
            raise
        if kept and self._complete is self._open:
            self._unlock(walk, ended=True)
        else:
            self._end([walk], shrink=not kept)
        self.discard(one for one in self.open_walks(walk.name) if one.state != RUNNING)
        if kept:
            self._written = (self._written or 0) + walk.size
            if self._written * _EVICT_AFTER > self.max_bytes:
                self._evict()

    def end(self, walk: StoredWalk) -> None:
        """Delete an open walk that this process is writing."""
        if self._is_mine(walk):
            self._end([walk])

    def discard(self, walks: Iterable[StoredWalk]) -> int:
        """Delete open walks that no process is writing; return how many are gone."""
        return self._end(
            [walk for walk in walks if self._lock(walk, new=False) or self._has_ended(walk)]
        )

    def _end(self, walks: list[StoredWalk], *, shrink: bool = True) -> int:
        """Delete open walks that this process has locked, or that have ended."""

        def delete(storage: Storage) -> None:
            # Without its row the pages are those of a complete walk.
            found = [walk for walk in walks if storage.get(walk.key) is not None]
            pages = [key for walk in found for key in storage.keys(f"page:{walk.id}:")]
            storage.write({}, [*pages, *(walk.key for walk in found)])

        # Without their locks they are never resumed, also if their rows cannot be deleted.
        for walk in walks:
            self._unlock(walk, ended=True)
        deleted = bool(walks) and _change(self._open, delete)
        if deleted and shrink:
            self._open.run(lambda storage: storage.shrink(), None)
        return len(walks) if deleted else 0

    def find_complete(self, tenant: str, names: Iterable[str]) -> StoredWalk | None:
        """Return the newest complete walk with one of the names."""
        found = (self._row(self._complete, f"walk:{name}") for name in dict.fromkeys(names))
        walks = [walk for walk in found if walk is not None and walk.tenant == tenant]
        latest = self.now() + SKEW  # a later one is from before the clock was set back
        return max(walks, key=lambda walk: (walk.first < latest, walk.first), default=None)

    def complete_walks(self) -> list[StoredWalk]:
        """Return all complete walks, newest first."""

        def read(storage: Storage) -> list[bytes | None]:
            return [storage.get(key) for key in storage.keys("walk:") if key.count(":") == 1]

        none: list[bytes | None] = []
        found = [_decode_walk(data) for data in self._complete.run(read, none) if data is not None]
        if None in found:
            self._complete.warn(_STRANGE)
        return sorted((walk for walk in found if walk is not None), key=lambda walk: -walk.first)

    def delete_complete(self, walk: StoredWalk, *, shrink: bool = False) -> bool:
        """Delete a complete walk, but no newer one of its query; return whether it was deleted."""

        def delete(storage: Storage) -> None:
            current = _decode_walk(storage.get(walk.key) or b"")
            newer = current is not None and current.id != walk.id
            storage.write({}, [*walk.page_keys(), *([] if newer else [walk.key])])

        deleted = _change(self._complete, delete)
        if deleted and shrink:
            self._complete.run(lambda storage: storage.shrink(), None)
        return deleted

    def shut(self) -> None:
        """Close the files. The next use opens them again."""
        self._open.close()
        self._complete.close()

    def _complete_walk(self, walk: StoredWalk) -> bool:
        """Make an open walk the complete one of its query, in place of an older one."""
        row = replace(walk, state=COMPLETE)
        same_file = self._complete is self._open
        if not same_file and not self._move_pages(walk):
            self._remove_moved(walk)
            return False

        def write(storage: Storage) -> None:
            older = _decode_walk(storage.get(row.key) or b"")
            gone = older.page_keys() if older is not None and older.id != row.id else []
            gone.append(walk.key if same_file else _moving(walk))
            storage.write({row.key: encode(row.to_json())}, gone)

        return _change(self._complete, write)

    def _move_pages(self, walk: StoredWalk) -> bool:
        """Copy the pages to the file of complete walks, after a mark that they have no walk yet."""
        keys = walk.page_keys()
        mark = {_moving(walk): encode(replace(walk, last=self.now()).to_json())}
        if not _change(self._complete, methodcaller("write", mark)):
            return False
        for start in range(0, len(keys), _MOVED_AT_ONCE):
            group = keys[start : start + _MOVED_AT_ONCE]
            read = _values(self._open, group)
            pages = {key: bytes(data) for key, data in zip(group, read, strict=False) if data}
            if len(pages) < len(group) or not _change(self._complete, methodcaller("write", pages)):
                return False
        return True

    def _remove_moved(self, walk: StoredWalk) -> None:
        """Delete pages that were copied to the file of complete walks, if they have no walk."""

        def delete(storage: Storage) -> None:
            complete = _decode_walk(storage.get(f"walk:{walk.name}") or b"")
            moved = complete is not None and complete.id == walk.id
            pages = [] if moved else storage.keys(f"page:{walk.id}:")
            storage.write({}, [*pages, _moving(walk)])

        _change(self._complete, delete)

    def sweep(self) -> None:
        """Delete what killed processes left: half moved pages, and lock files without a walk."""
        for key in _keys(self._complete, "moving:"):
            walk = self._row(self._complete, key)
            if walk is not None and abs(self.now() - walk.last) > _MOVED_WITHIN:
                self._remove_moved(walk)
        keys = self._open.run(lambda storage: storage.keys("walk:"), None)
        if keys is not None and self._open.path is not None:
            known = {key.rpartition(":")[2] for key in keys} | self._locks.keys()
            remove_stray_locks(self._open.path.parent, known)

    def _evict(self) -> None:
        self._written = 0
        evict(self)

    def _open_keys(self, name: str = "") -> list[str]:
        keys = _keys(self._open, f"walk:{name}")
        return [key for key in keys if key.count(":") == 2]  # noqa: PLR2004 - as StoredWalk.key

    def _open_walk(self, key: str) -> StoredWalk | None:
        """Return an open walk with what its pages tell; None if it has ended."""
        walk = self._measured(key)
        if walk is None:
            return None
        path = self._lock_path(walk)
        running = walk.id in self._locks if path is None else is_locked(path)
        if self._has_ended(walk):
            return None
        if running:
            return replace(walk, state=RUNNING)
        if walk.state == RUNNING:
            return replace(walk, state=KILLED, reason="its process ended")
        return walk

    def _measured(self, key: str) -> StoredWalk | None:
        """Return the row of an open walk with what its pages tell; None if it cannot be read."""
        walk = self._row(self._open, key)
        if walk is None:
            return None
        pages = f"page:{walk.id}:"

        def measure(storage: Storage) -> tuple[int, bytes | None, int]:
            keys = storage.keys(pages)
            return len(keys), storage.get(keys[-1]) if keys else None, storage.stored_size(pages)

        found = self._open.run(measure, None)
        if found is None:
            return None
        number, data, size = found
        last = None if data is None else _decode_reply(data)
        if data is not None and last is None:
            self._open.warn(_STRANGE)
        moment = walk.last if last is None else last[1].at.timestamp()
        return replace(walk, pages=number, size=size, last=moment)

    def _row(self, file: SQLiteFile[Storage], key: str) -> StoredWalk | None:
        data = file.run(lambda storage: storage.get(key), None)
        found = None if data is None else _decode_walk(data)
        if data is not None and found is None:
            file.warn(_STRANGE)
        return found

    def _rewrite(self, walk: StoredWalk) -> bool:
        def write(storage: Storage) -> None:
            if storage.get(walk.key) is not None:
                storage.write({walk.key: encode(walk.to_json())})

        return _change(self._open, write)

    def _lock_path(self, walk: StoredWalk) -> Path | None:
        path = self._open.path
        return None if path is None else lock_path(path.parent, walk.id)

    def _has_ended(self, walk: StoredWalk) -> bool:
        """Return whether the lock file shows that the walk has ended."""
        path = self._lock_path(walk)
        return path is not None and has_ended(path)

    def _lock(self, walk: StoredWalk, *, new: bool) -> bool:
        """Take the lock of a walk; raise OSError or sqlite3.Error if a new one cannot be made."""
        path = self._lock_path(walk)
        if path is None:
            own = MemoryLock()
            return self._locks.setdefault(walk.id, own) is own
        lock = WalkLock.create(path) if new else WalkLock.take(path)
        if lock is not None:
            self._locks[walk.id] = lock
        return lock is not None

    def _is_mine(self, walk: StoredWalk) -> bool:
        """Return whether this process writes the walk; a forked child does not."""
        lock = self._locks.get(walk.id)
        return lock is not None and lock.mine

    def _unlock(self, walk: StoredWalk, *, ended: bool) -> None:
        lock = self._locks.pop(walk.id, None)
        if lock is not None and ended:
            lock.remove()
        elif lock is not None:
            lock.free()
        elif ended and (path := self._lock_path(walk)) is not None:
            with suppress(OSError):
                path.unlink()


def _moving(walk: StoredWalk) -> str:
    return f"moving:{walk.id}"


def _change(file: SQLiteFile[Storage], work: Callable[[Storage], bool | None]) -> bool:
    """Run work in one transaction; return whether it is stored, and did not return False."""

    def change(storage: Storage) -> bool:
        with storage.transaction():
            return work(storage) is not False

    return file.run(change, otherwise=False)


def _keys(file: SQLiteFile[Storage], prefix: str) -> list[str]:
    none: list[str] = []
    return file.run(lambda storage: storage.keys(prefix), none)


def _values(file: SQLiteFile[Storage], keys: list[str]) -> list[bytes | None]:
    none: list[bytes | None] = []
    return file.run(lambda storage: [storage.get(key) for key in keys], none)


def _encode_reply(call: Call, reply: Reply) -> bytes:
    headers = [(name, value) for name, value in reply.headers.items() if name not in _NOT_STORED]
    head = [call.path, call.params, call.url, reply.status, headers, reply.at.timestamp()]
    more = [call.method, call.body.decode(), call.headers]
    special = call.method != "GET" or call.headers
    return encode([*head, reply.url, *(more if special else ())], reply.body)


def _decode_reply(data: bytes) -> tuple[Call, Reply] | None:
    found = decode(data)
    if found is None:
        return None
    try:
        path, params, url, status, headers, moment, asked, *more = found[0]
        method, body, own = more or ("GET", "", ())
        call = Call(path, _pairs(params), url, method, body.encode(), _pairs(own))
        at = datetime.fromtimestamp(moment, UTC)
        return call, Reply(status, dict(headers), found[1], at, asked)
    except (ValueError, TypeError):
        return None


def _pairs(values: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in values)


def _decode_walk(data: bytes) -> StoredWalk | None:
    found = decode(data)
    return None if found is None else StoredWalk.from_json(found[0])
