"""The budget of all processes of a tenant on this machine, in a SQLite file.

Each operation is one short transaction; no process holds the file while it waits. The file is
opened for each transaction, so no connection crosses a fork and a deleted file is created again.
Its data matters for one window only: if the file fails, processes share less fairly, but no request
fails. Each process knows its own requests and writes them into a file that lacks them.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import uuid
import zlib
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakValueDictionary

from socialframe.errors import BudgetWarning
from socialframe.folders import boot_id, runtime_folder
from socialframe.http.budget import (
    GUARD,
    Limit,
    MemoryBudget,
    Slot,
    Usage,
    adjusted,
    same_window,
    uptime,
    wait_for,
)
from socialframe.http.fair_share import FairShare, ProcessUsage
from socialframe.sqlite import ForkLock, SQLiteFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from socialframe.http.transport import Wiring

T = TypeVar("T")

_GRACE = 1.0  # seconds after its announced return at which a missing process leaves the queue
_RETRY = 0.02  # seconds until the processes queued before this one have booked
_RETENTION = 3600.0  # seconds that requests stay for processes with a longer window
_BATCH = 61  # bookings after which old requests are deleted; prime, as tenants may take turns
_FORMAT = 2  # of the file; a file of another format is replaced
_BUSY = 2.0  # seconds that a transaction waits for the file

_TABLES = """
DROP TABLE IF EXISTS calls;
DROP TABLE IF EXISTS queue;
DROP TABLE IF EXISTS tenants;
CREATE TABLE calls (
  number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT, process TEXT, start REAL, end REAL);
CREATE INDEX calls_by_end ON calls (tenant, end);
CREATE TABLE queue (
  number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT, process TEXT, returns_at REAL,
  UNIQUE (tenant, process));
CREATE TABLE tenants (
  tenant TEXT PRIMARY KEY, server_calls INTEGER, paused_at REAL DEFAULT 0,
  paused_until REAL DEFAULT 0);
"""

# The first bound uses the index; the second is the exact sum that waits are computed with.
_OCCUPYING = "FROM calls WHERE tenant = ? AND end > ? AND end + ? > ?"

_process_names: dict[int, str] = {}


def _process_name() -> str:
    """Return a unique name of this process; a forked child gets its own."""
    return _process_names.setdefault(os.getpid(), uuid.uuid4().hex)


class SharedBudget:
    """A budget that all processes of a tenant share: first come, first served, with fair shares.

    Each waiting process is in a queue once; its threads take turns. A process that does not return
    when it announced leaves the queue. ``FairShare`` says which process is next.

    Parameters
    ----------
    find_folder : callable
        Returns the file's folder, which is private to the user; raises OSError if there is none.
        Called at the first use.
    tenant : str
        Tenant.
    limit : Limit
        The rate limit.
    adapts : bool
        Whether the limit follows the server's; otherwise the server's can only lower it.
    clock : callable
        Monotonic seconds that all processes share.
    boot : str
        ID of this boot of the machine. A file of another boot is replaced.
    process_name : callable
        Returns the name of this process.
    """

    def __init__(
        self,
        find_folder: Callable[[], Path],
        tenant: str,
        limit: Limit,
        *,
        adapts: bool = False,
        clock: Callable[[], float] = uptime,
        boot: str = "",
        process_name: Callable[[], str] = _process_name,
    ) -> None:
        self._tenant = tenant
        self._limit = limit
        self._adapts = adapts
        self._clock = clock
        self._version = zlib.crc32(f"{_FORMAT} {boot}".encode()) >> 1  # user_version is signed
        self._process_name = process_name
        self._server_calls: int | None = None
        self._queued = False
        # Counts the requests of this process too, in case the file fails.
        self._own = MemoryBudget(limit, adapts=adapts, clock=clock)
        self._file_id: int | None = None  # of the file that has the requests of ``_own``
        self._unwritten = False  # whether that file may lack changes of ``_own``
        self._file: SQLiteFile[sqlite3.Connection] = SQLiteFile(
            lambda: find_folder() / "budget.sqlite",
            self._open,
            category=BudgetWarning,
            label="The budget file",
            consequence=(
                "other processes do not see the requests of this one; together they may exceed "
                "the limit"
            ),
            keep_open=False,
            clock=clock,
        )

    def reserve(self, timeout: float) -> tuple[Slot | None, float]:
        """Book a request, or return the seconds to wait before asking again, and join the queue.

        A request that does not end within ``timeout`` counts as ended then.
        """

        def book(db: sqlite3.Connection, now: float) -> tuple[Slot | None, float]:
            wait = self._wait(db, now)
            if wait:
                self._enqueue(db, now + wait + _GRACE)
                return None, wait
            self._dequeue(db)
            slot = Slot(now, now + timeout)
            slot.row = self._insert(db, slot)
            if slot.row % _BATCH == 0:
                retention = max(_RETENTION, self._limit.seconds + GUARD)
                db.execute(
                    "DELETE FROM calls WHERE tenant = ? AND end < ?",
                    (self._tenant, now - retention),
                )
            return slot, 0.0

        slot, wait = self._run(book, lambda: self._own.reserve(timeout))
        if slot is not None and slot.row:
            self._own.add(slot)
        return slot, wait

    def leave(self) -> None:
        """Leave the queue without a request."""
        if self._queued:
            self._run(lambda db, _: self._dequeue(db), lambda: None)

    def end(self, slot: Slot) -> None:
        """Record that a booked request got its response or failed."""
        self._own.end(slot)
        if slot.row:
            self._run(lambda db, now: self._write_end(db, slot.row, now), lambda: None)
        else:
            self._unwritten = True

    def pause(self, seconds: float) -> None:
        """Pause: no request of the tenant starts for so many seconds."""
        self._own.pause(seconds)
        self._run(lambda db, now: self._write_pause(db, now, seconds), lambda: None)

    def update_limit(
        self, calls: int, reset: float | None = None, window: float | None = None
    ) -> None:
        """Use the server's limit, unless reset or window show that it counts in another one."""
        if calls == self._server_calls or not same_window(self._limit, reset, window):
            return
        self._server_calls = calls
        self._own.update_limit(calls)
        self._run(
            lambda db, _: db.execute(
                "INSERT INTO tenants (tenant, server_calls) VALUES (?, ?)"
                " ON CONFLICT (tenant) DO UPDATE SET server_calls = excluded.server_calls",
                (self._tenant, calls),
            ),
            lambda: None,
        )

    def usage(self) -> Usage:
        """Return the usage of this moment."""

        def read(db: sqlite3.Connection, now: float) -> Usage:
            share, paused = self._read(db, now)
            limit, used = share.limit, share.used
            wait = paused or self._slot_wait(db, share, used - limit.calls)
            processes = {self._process_name(), *share.usage, *share.queue}
            return Usage(limit, used, max(0, limit.calls - used), wait, len(processes))

        return self._run(read, self._own.usage)

    def seconds_until(self, calls: int) -> float:
        """Return the seconds until the last of so many requests may start."""

        def read(db: sqlite3.Connection, now: float) -> float:
            share, paused = self._read(db, now)
            ends = db.execute(
                f"SELECT end {_OCCUPYING} ORDER BY end", self._occupying(now, share.limit)
            )
            occupied = share.limit.seconds + GUARD
            free_in = [min(end, now) + occupied - now for (end,) in ends]
            return wait_for(share.limit, free_in, calls, paused)

        return self._run(read, lambda: self._own.seconds_until(calls))

    def _wait(self, db: sqlite3.Connection, now: float) -> float:
        """Return the seconds that this process has to wait."""
        share, paused = self._read(db, now)
        if paused:
            return paused
        process = self._process_name()
        over = share.used + share.queued_before(process) - share.limit.calls
        return self._slot_wait(db, share, over) or share.delay(process)

    def _slot_wait(self, db: sqlite3.Connection, share: FairShare, over: int) -> float:
        """Return the seconds until ``over`` + 1 occupied slots may be free."""
        if over < 0:
            return 0.0
        if not share.used:
            return _RETRY
        (end,) = db.execute(
            f"SELECT end {_OCCUPYING} ORDER BY end LIMIT 1 OFFSET ?",
            (*self._occupying(share.now, share.limit), min(over, share.used - 1)),
        ).fetchone()
        # A request under way may end at this moment, before its presumed end.
        return float(min(end, share.now) + share.limit.seconds + GUARD - share.now)

    def _read(self, db: sqlite3.Connection, now: float) -> tuple[FairShare, float]:
        """Return the shares of all processes, and the seconds left of a pause."""
        self._clean_up(db, now)
        limit, paused = self._read_tenant(db, now)
        slots = db.execute(
            f"SELECT process, count(*), max(start), max(end) {_OCCUPYING} GROUP BY process",
            self._occupying(now, limit),
        )
        usage = {process: ProcessUsage(*found) for process, *found in slots}
        queue = db.execute(
            "SELECT process FROM queue WHERE tenant = ? ORDER BY number", (self._tenant,)
        )
        return FairShare(limit, usage, [process for (process,) in queue], now), paused

    def _clean_up(self, db: sqlite3.Connection, now: float) -> None:
        """Remove processes that did not return, and correct times after the clock went back.

        A start in the future shows that the clock went back; that request counts as started now.
        """
        parameters = {"tenant": self._tenant, "now": now, "latest": now + _RETENTION}
        db.execute(
            "UPDATE calls SET end = :now + end - start, start = :now"
            " WHERE tenant = :tenant AND end > :now AND start > :now",
            parameters,
        )
        db.execute(
            "DELETE FROM queue"
            " WHERE tenant = :tenant AND (returns_at < :now OR returns_at > :latest)",
            parameters,
        )

    def _read_tenant(self, db: sqlite3.Connection, now: float) -> tuple[Limit, float]:
        """Return the limit, adjusted to the server's, and the seconds left of a pause."""
        row = db.execute(
            "SELECT server_calls, paused_at, paused_until FROM tenants WHERE tenant = ?",
            (self._tenant,),
        ).fetchone()
        calls, paused_at, paused_until = row or (None, 0.0, 0.0)
        if calls and calls != self._server_calls:  # another process got it
            self._server_calls = calls
            self._own.update_limit(calls)
        limit = adjusted(self._limit, self._server_calls, adapts=self._adapts)
        if paused_at > now:  # the clock went back
            paused_until += now - paused_at
            db.execute(
                "UPDATE tenants SET paused_at = ?, paused_until = ? WHERE tenant = ?",
                (now, paused_until, self._tenant),
            )
        return limit, max(0.0, paused_until - now)

    def _occupying(self, now: float, limit: Limit) -> tuple[str, float, float, float]:
        """Return the parameters of ``_OCCUPYING``."""
        occupied = limit.seconds + GUARD
        return self._tenant, now - occupied - 1, occupied, now

    def _insert(self, db: sqlite3.Connection, slot: Slot) -> int:
        done = db.execute(
            "INSERT INTO calls (tenant, process, start, end) VALUES (?, ?, ?, ?)",
            (self._tenant, self._process_name(), slot.start, slot.end),
        )
        return done.lastrowid or 0

    def _write_end(self, db: sqlite3.Connection, row: int, end: float) -> None:
        db.execute(
            "UPDATE calls SET end = ? WHERE number = ? AND process = ?",
            (end, row, self._process_name()),
        )

    def _write_pause(self, db: sqlite3.Connection, now: float, seconds: float) -> None:
        db.execute(
            "INSERT INTO tenants (tenant, paused_at, paused_until) VALUES (?, ?, ?)"
            " ON CONFLICT (tenant) DO UPDATE SET paused_at = excluded.paused_at,"
            " paused_until = max(paused_until, excluded.paused_until)",
            (self._tenant, now, now + seconds),
        )

    def _enqueue(self, db: sqlite3.Connection, returns_at: float) -> None:
        db.execute(
            "INSERT INTO queue (tenant, process, returns_at) VALUES (?, ?, ?)"
            " ON CONFLICT (tenant, process) DO UPDATE SET returns_at = excluded.returns_at",
            (self._tenant, self._process_name(), returns_at),
        )
        self._queued = True

    def _dequeue(self, db: sqlite3.Connection) -> None:
        db.execute(
            "DELETE FROM queue WHERE tenant = ? AND process = ?",
            (self._tenant, self._process_name()),
        )
        self._queued = False

    def _run(self, work: Callable[[sqlite3.Connection, float], T], fallback: Callable[[], T]) -> T:
        """Run the work in one transaction, or the fallback if the file fails."""
        done: list[T] = []
        try:
            self._file.run(lambda db: done.append(self._transaction(db, work)), None)
            return done[-1] if done else fallback()
        finally:
            if not done:
                # After the fallback: a transaction of another thread may not have seen its changes.
                self._unwritten = True

    def _transaction(
        self, db: sqlite3.Connection, work: Callable[[sqlite3.Connection, float], T]
    ) -> T:
        inserted: list[Slot] = []
        unwritten = self._unwritten
        try:
            db.execute("BEGIN IMMEDIATE")
            file_id = _pragma(db, "application_id")
            if unwritten or file_id != self._file_id:
                self._unwritten = False  # another thread may set it from here on
                self._write_own(db, inserted, is_new=file_id != self._file_id)
            # Read the clock while the file is locked, so that rows are in the order of their times.
            result = work(db, self._clock())
            db.execute("COMMIT")
        except BaseException:
            for slot in inserted:
                slot.row = 0
            self._unwritten = self._unwritten or unwritten
            raise
        self._file_id = file_id
        return result

    def _open(self, path: Path | None) -> sqlite3.Connection:
        """Open the file; replace its tables if another format or an earlier boot wrote them."""
        assert path is not None  # noqa: S101 - this file always has a path
        db = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        try:
            # The file survives the death of a process; that of the machine may damage it.
            db.execute("PRAGMA synchronous = OFF")
            db.execute("PRAGMA journal_mode = TRUNCATE")
            if _pragma(db, "user_version") != self._version:
                db.execute("BEGIN IMMEDIATE")
                if _pragma(db, "user_version") != self._version:  # no other process was faster
                    for statement in _TABLES.split(";"):
                        db.execute(statement)
                    db.execute(f"PRAGMA application_id = {secrets.randbits(31)}")
                    db.execute(f"PRAGMA user_version = {self._version}")
                db.execute("COMMIT")
        except BaseException:
            db.close()
            raise
        return db

    def _write_own(self, db: sqlite3.Connection, inserted: list[Slot], *, is_new: bool) -> None:
        """Write the requests, ends and pause of this process that the file may lack."""
        if paused := self._own.paused_for():
            self._write_pause(db, self._clock(), paused)
        for slot in self._own.slots():
            if is_new or not slot.row:
                slot.row = self._insert(db, slot)
                inserted.append(slot)
            else:
                self._write_end(db, slot.row, slot.end)


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])


_budgets: WeakValueDictionary[tuple[object, ...], MemoryBudget | SharedBudget] = (
    WeakValueDictionary()
)
_creating = ForkLock()


def budget_for(
    tenant: str, limit: Limit, wiring: Wiring, *, adapts: bool
) -> MemoryBudget | SharedBudget:
    """Return the budget that all clients of a tenant share.

    Requests over the network share it with other processes, requests to a sandbox in this process
    do not.
    """
    networked = wiring.transport is None
    with _creating():
        key = (tenant, limit, adapts, networked, wiring.clock)
        budget = _budgets.get(key)
        if budget is None and networked:
            budget = SharedBudget(
                runtime_folder,
                tenant,
                limit,
                adapts=adapts,
                clock=wiring.clock,
                boot=boot_id(),
            )
        elif budget is None:
            budget = MemoryBudget(limit, adapts=adapts, clock=wiring.clock)
        _budgets[key] = budget
        return budget
