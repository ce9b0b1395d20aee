"""The budget of all processes of a tenant on this machine: the log of reservations in SQLite.

One transaction books a call or says how long to wait; nobody holds the file while waiting. It is
opened anew for each, so no connection crosses a fork, and a file that was deleted is made again.
What it holds is worth one window: whatever goes wrong with it costs fairness, and never a call.
Each process knows its own calls, and writes them into a file that it finds begun anew.
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
    until,
    uptime,
)
from socialframe.http.fair_share import Held, Shares
from socialframe.sqlite import ForkLock, SQLiteFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from socialframe.http.transport import Wiring

T = TypeVar("T")

_LATE = 1.0  # seconds after which a process that did not come back has left the queue
_SOON = 0.02  # seconds; those ahead are about to book
_KEPT = 3600.0  # seconds that a call is remembered for others, whose windows may be longer
_BATCH = 64  # calls after which the old ones are deleted
_FORMAT = 1  # of the file; a file of another format is begun anew
_BUSY = 2.0  # seconds that a transaction waits for the file

_TABLES = """
DROP TABLE IF EXISTS calls;
DROP TABLE IF EXISTS queue;
DROP TABLE IF EXISTS tenants;
CREATE TABLE calls (
  number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT, process TEXT, start REAL, end REAL);
CREATE INDEX calls_by_end ON calls (tenant, end);
CREATE TABLE queue (
  number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT, process TEXT, back REAL,
  UNIQUE (tenant, process));
CREATE TABLE tenants (
  tenant TEXT PRIMARY KEY, told INTEGER, paused REAL DEFAULT 0, until REAL DEFAULT 0);
"""

# The first bound is for the index; the second is the sum that the wait is counted by.
_OCCUPYING = "FROM calls WHERE tenant = ? AND end > ? AND end + ? > ?"

_names: dict[int, str] = {}


def _this_process() -> str:
    """Return a name that no other process has; a forked child has its own."""
    return _names.setdefault(os.getpid(), uuid.uuid4().hex)


class SharedBudget:
    """A budget that all processes of a tenant share: fair, first come first served.

    Processes that wait are in a queue, each once; its threads take turns. Whoever does not come
    back when it said is not waited for. Who has had its share comes after those who have not.

    Parameters
    ----------
    find : callable
        Returns the file's folder, made if need be and the user's own; raises OSError if there is
        none. It is called when the budget is first used.
    tenant : str
        Whose budget it is.
    limit : Limit
        What the server permits.
    adapts : bool
        Whether the limit follows what the server says; else that can only lower it.
    clock : callable
        Seconds that only ever grow, the same for all processes.
    boot : str
        Name of this start of the machine: what a file tells of another one is forgotten. Where no
        name is known, no entry is believed to lie in the future.
    process : callable
        Returns the name of this process.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = tempfile.TemporaryDirectory()
    >>> budget = SharedBudget(lambda: Path(folder.name), "t", Limit(1), clock=lambda: 0.0)
    >>> slot, wait = budget.reserve(lasts=30.0)
    >>> budget.end(slot)
    >>> budget.reserve(lasts=30.0)
    (None, 60.05)
    >>> folder.cleanup()
    """

    def __init__(
        self,
        find: Callable[[], Path],
        tenant: str,
        limit: Limit,
        *,
        adapts: bool = False,
        clock: Callable[[], float] = uptime,
        boot: str = "",
        process: Callable[[], str] = _this_process,
    ) -> None:
        self._tenant = tenant
        self._limit = limit
        self._adapts = adapts
        self._clock = clock
        self._version = zlib.crc32(f"{_FORMAT} {boot}".encode()) >> 1  # a number SQLite can keep
        self._process = process
        self._told: int | None = None
        self._queued = False
        # What this process does is counted here too, in case that the file fails.
        self._own = MemoryBudget(limit, adapts=adapts, clock=clock)
        self._name: int | None = None  # of the file that has these calls
        self._missed = False  # whether some of them may be in none
        self._file: SQLiteFile[sqlite3.Connection] = SQLiteFile(
            lambda: find() / "budget.sqlite",
            self._open,
            category=BudgetWarning,
            label="The file of the budget",
            consequence=(
                "other processes do not see the requests of this one; together they may exceed "
                "the limit"
            ),
            keep_open=False,
            clock=clock,
        )

    def reserve(self, lasts: float) -> tuple[Slot | None, float]:
        """Book a call, or say how long to wait; who waits is in the queue from then on.

        Parameters
        ----------
        lasts : float
            Seconds after which an unanswered call counts as ended.

        Returns
        -------
        slot : Slot or None
            The booked call; None if the budget is used or paused, or others came first.
        wait : float
            Seconds after which to ask again; 0.0 with a slot.
        """

        def book(db: sqlite3.Connection, now: float) -> tuple[Slot | None, float]:
            wait = self._wait(db, now)
            me = (self._tenant, self._process())
            if wait:
                db.execute(
                    "INSERT INTO queue (tenant, process, back) VALUES (?, ?, ?)"
                    " ON CONFLICT (tenant, process) DO UPDATE SET back = excluded.back",
                    (*me, now + wait + _LATE),
                )
                self._queued = True
                return None, wait
            self._unqueue(db)
            done = db.execute(
                "INSERT INTO calls (tenant, process, start, end) VALUES (?, ?, ?, ?)",
                (*me, now, now + lasts),
            )
            number = done.lastrowid or 0
            if number % _BATCH == 0:
                kept = max(_KEPT, self._limit.seconds + GUARD)
                db.execute("DELETE FROM calls WHERE end < ?", (now - kept,))
            return Slot(now, now + lasts, number), 0.0

        slot, wait = self._try(book, lambda: self._own.reserve(lasts))
        if slot is not None and slot.number:
            self._own.adopt(slot)
        return slot, wait

    def leave(self) -> None:
        """Leave the queue without a call."""
        if self._queued:
            self._try(lambda db, _: self._unqueue(db), lambda: None)

    def end(self, slot: Slot) -> None:
        """Note that the answer, or the failure, of a booked call has come."""
        self._own.end(slot)
        if slot.number:
            self._try(
                lambda db, now: db.execute(
                    "UPDATE calls SET end = ? WHERE number = ? AND process = ?",
                    (now, slot.number, self._process()),
                ),
                lambda: None,
            )

    def pause(self, seconds: float) -> None:
        """Let no call of the tenant start for so many seconds, as a 429 asks for."""
        self._own.pause(seconds)
        self._try(lambda db, now: self._pause(db, now, seconds), lambda: None)

    def learn(self, calls: int, reset: float | None = None) -> None:
        """Take note, for all, of how many calls the server says that it permits in our window."""
        if calls == self._told or not self._limit.is_of(reset):
            return
        self._told = calls
        self._own.learn(calls)
        self._try(
            lambda db, _: db.execute(
                "INSERT INTO tenants (tenant, told) VALUES (?, ?)"
                " ON CONFLICT (tenant) DO UPDATE SET told = excluded.told",
                (self._tenant, calls),
            ),
            lambda: None,
        )

    def usage(self) -> Usage:
        """Return how it stands."""

        def look(db: sqlite3.Connection, now: float) -> Usage:
            shares, paused = self._shares(db, now)
            limit, used = shares.limit, shares.used
            wait = paused or self._until(db, shares, used - limit.calls)
            processes = {self._process(), *shares.held, *shares.queue}
            return Usage(limit, used, max(0, limit.calls - used), wait, len(processes))

        return self._try(look, self._own.usage)

    def takes(self, calls: int) -> float:
        """Return the seconds until the last of so many calls may start, if nobody else calls."""

        def look(db: sqlite3.Connection, now: float) -> float:
            shares, paused = self._shares(db, now)
            ends = db.execute(
                f"SELECT end {_OCCUPYING} ORDER BY end", self._still(now, shares.limit)
            )
            occupied = shares.limit.seconds + GUARD
            frees = [min(end, now) + occupied - now for (end,) in ends]
            return until(shares.limit, frees, calls, paused)

        return self._try(look, lambda: self._own.takes(calls))

    def _wait(self, db: sqlite3.Connection, now: float) -> float:
        """Return how long this process has to wait; 0.0 for not."""
        shares, paused = self._shares(db, now)
        if paused:
            return paused
        me = self._process()
        over = shares.used + shares.ahead(me) - shares.limit.calls
        return self._until(db, shares, over) or shares.ease(me)

    def _until(self, db: sqlite3.Connection, shares: Shares, over: int) -> float:
        """Return the seconds until the place may be free that is so many after the next one."""
        if over < 0:
            return 0.0
        if not shares.used:
            return _SOON
        (end,) = db.execute(
            f"SELECT end {_OCCUPYING} ORDER BY end LIMIT 1 OFFSET ?",
            (*self._still(shares.now, shares.limit), min(over, shares.used - 1)),
        ).fetchone()
        # A call that is under way may end this moment, whatever it is presumed to take.
        return float(min(end, shares.now) + shares.limit.seconds + GUARD - shares.now)

    def _shares(self, db: sqlite3.Connection, now: float) -> tuple[Shares, float]:
        """Return who holds what, and for how long the server wants no call."""
        self._straighten(db, now)
        limit, paused = self._said(db, now)
        held = db.execute(
            f"SELECT process, count(*), max(start), max(end) {_OCCUPYING} GROUP BY process",
            self._still(now, limit),
        )
        queue = db.execute(
            "SELECT process FROM queue WHERE tenant = ? ORDER BY number", (self._tenant,)
        )
        places = {process: Held(*found) for process, *found in held}
        return Shares(limit, places, [process for (process,) in queue], now), paused

    def _straighten(self, db: sqlite3.Connection, now: float) -> None:
        """Forget who is gone, and let nothing be later than it can be by this clock.

        The clock went back if a call started later than now; it counts as started now.
        """
        mine = {"tenant": self._tenant, "now": now, "late": now + _KEPT}
        db.execute(
            "UPDATE calls SET end = :now + end - start, start = :now"
            " WHERE tenant = :tenant AND end > :now AND start > :now",
            mine,
        )
        db.execute(
            "DELETE FROM queue WHERE tenant = :tenant AND (back < :now OR back > :late)", mine
        )

    def _said(self, db: sqlite3.Connection, now: float) -> tuple[Limit, float]:
        """Return the limit as the server told it, and for how long it wants no call."""
        row = db.execute(
            "SELECT told, paused, until FROM tenants WHERE tenant = ?", (self._tenant,)
        ).fetchone()
        told, paused, until = row or (None, 0.0, 0.0)
        limit = self._limit.told(told or self._told, adapts=self._adapts)
        if paused > now:  # the clock went back
            until += now - paused
            db.execute(
                "UPDATE tenants SET paused = ?, until = ? WHERE tenant = ?",
                (now, until, self._tenant),
            )
        return limit, max(0.0, until - now)

    def _still(self, now: float, limit: Limit) -> tuple[str, float, float, float]:
        occupied = limit.seconds + GUARD
        return self._tenant, now - occupied - 1, occupied, now

    def _pause(self, db: sqlite3.Connection, now: float, seconds: float) -> None:
        db.execute(
            "INSERT INTO tenants (tenant, paused, until) VALUES (?, ?, ?)"
            " ON CONFLICT (tenant) DO UPDATE"
            " SET paused = excluded.paused, until = max(until, excluded.until)",
            (self._tenant, now, now + seconds),
        )

    def _unqueue(self, db: sqlite3.Connection) -> None:
        me = (self._tenant, self._process())
        db.execute("DELETE FROM queue WHERE tenant = ? AND process = ?", me)
        self._queued = False

    def _try(self, work: Callable[[sqlite3.Connection, float], T], otherwise: Callable[[], T]) -> T:
        """Return the result of the work in one transaction; without the file if that fails."""
        done: list[T] = []
        self._file.run(lambda db: done.append(self._transaction(db, work)), None)
        if done:
            return done[-1]
        self._missed = True
        return otherwise()

    def _transaction(
        self, db: sqlite3.Connection, work: Callable[[sqlite3.Connection, float], T]
    ) -> T:
        entered: list[Slot] = []
        try:
            db.execute("BEGIN IMMEDIATE")
            name = _pragma(db, "application_id")
            if self._missed or name != self._name:
                self._enter(db, entered, anew=name != self._name)
            # Read the clock with the file locked, so that entries are in the order of their times.
            result = work(db, self._clock())
            db.execute("COMMIT")
        except BaseException:
            for slot in entered:
                slot.number = 0
            raise
        self._name, self._missed = name, False
        return result

    def _open(self, path: Path | None) -> sqlite3.Connection:
        """Open the file; begin it anew if another format or an earlier boot wrote it."""
        assert path is not None  # noqa: S101 - there is always a file
        db = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        try:
            # It survives a process that dies at any time; a machine that does may lose it.
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

    def _enter(self, db: sqlite3.Connection, entered: list[Slot], *, anew: bool) -> None:
        """Write what this process knows, and the file does not, into it."""
        if paused := self._own.paused():
            self._pause(db, self._clock(), paused)
        for slot in self._own.still():
            if anew or not slot.number:
                done = db.execute(
                    "INSERT INTO calls (tenant, process, start, end) VALUES (?, ?, ?, ?)",
                    (self._tenant, self._process(), slot.start, slot.end),
                )
                slot.number = done.lastrowid or 0
                entered.append(slot)


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])


_budgets: WeakValueDictionary[tuple[object, ...], MemoryBudget | SharedBudget] = (
    WeakValueDictionary()
)
_making = ForkLock()


def budget_for(
    tenant: str, limit: Limit, wiring: Wiring, *, adapts: bool
) -> MemoryBudget | SharedBudget:
    """Return the budget of a tenant, which all its clients share, also in other processes."""
    networked = wiring.transport is None
    with _making():
        name = (tenant, limit, adapts, networked, wiring.clock)
        budget = _budgets.get(name)
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
        _budgets[name] = budget
        return budget
