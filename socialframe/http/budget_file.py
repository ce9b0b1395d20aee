"""The tables of a shared budget: requests, blocks of reserved slots, waiting processes, tenants."""

from __future__ import annotations

import heapq
import random
import secrets
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from socialframe.http.budget import GUARD, Slot
from socialframe.http.fair_share import ProcessUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_RETENTION = 3600.0  # seconds that requests stay for processes with a longer window
_BATCH = 61  # rows after which old rows are deleted; prime, as tenants may take turns
_BUSY = 2.0  # seconds that a transaction waits for the file
_PAUSES = (0.0002, 0.003)  # seconds between two attempts to get it

# ``owner`` is the budget object that wrote a row. A process may have several of one tenant.
_TABLES = """
DROP TABLE IF EXISTS calls;
DROP TABLE IF EXISTS blocks;
DROP TABLE IF EXISTS queue;
DROP TABLE IF EXISTS tenants;
CREATE TABLE calls (
  number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT, process TEXT, owner INTEGER,
  slots INTEGER, start REAL, end REAL);
CREATE INDEX calls_by_end ON calls (tenant, end, process, slots, start);
CREATE TABLE blocks (
  tenant TEXT, process TEXT, owner INTEGER, slots INTEGER, start REAL, expires REAL, end REAL,
  UNIQUE (tenant, owner));
CREATE TABLE queue (
  number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT, process TEXT, returns_at REAL,
  UNIQUE (tenant, process));
CREATE TABLE tenants (
  tenant TEXT PRIMARY KEY, server_calls INTEGER, paused_at REAL DEFAULT 0,
  paused_until REAL DEFAULT 0);
"""

# The first bound uses the index; the second is the exact sum that waits are computed with.
_OCCUPYING = "WHERE tenant = :tenant AND end > :bound AND end + :occupied > :now"
_CALLS = f"FROM calls {_OCCUPYING}"
_BLOCKS = f"FROM blocks {_OCCUPYING}"
_USAGE = (
    f"SELECT process, sum(slots), max(start), max(end), 0 {_CALLS} GROUP BY process"
    f" UNION ALL SELECT process, slots, start, end, expires > :now {_BLOCKS}"
)
_SLOTS = [f"SELECT start, end, 0, slots {table} ORDER BY end" for table in (_CALLS, _BLOCKS)]
# A start in the future shows that the clock went back. It counts as now.
_CORRECT = [
    f"UPDATE {changed} WHERE tenant = :tenant AND end > :now AND start > :now"
    for changed in (
        "calls SET end = :now + end - start, start = :now",
        "blocks SET expires = :now + expires - start, end = :now + end - start, start = :now",
    )
]
_DELETE_OLD = [
    "DELETE FROM calls WHERE tenant = ? AND end < ?",
    "DELETE FROM blocks WHERE tenant = ? AND end < ?",
]


class BudgetFile:
    """An open budget file, as one tenant uses it.

    ``version`` distinguishes formats and boots of the machine. ``release`` is called before the
    file is closed, unless a transaction failed.
    """

    def __init__(
        self, path: Path, tenant: str, version: int, release: Callable[[BudgetFile], object]
    ) -> None:
        self._path = path
        self._tenant = tenant
        self._version = version
        self._release = release
        self._failed = False
        self._inode = path.stat().st_ino
        self._db = sqlite3.connect(path, timeout=0.0, isolation_level=None, check_same_thread=False)
        try:
            # The file survives the death of a process; that of the machine may damage it.
            self._wait_for("PRAGMA synchronous = OFF")
            self._wait_for("PRAGMA journal_mode = PERSIST")
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file."""
        try:
            if not self._failed and self._path.stat().st_ino == self._inode:
                self._release(self)
        finally:
            self._db.close()

    def begin(self, known: int | None) -> int:
        """Begin a transaction; return the number of the file, which has tables.

        The tables are new if another format or an earlier boot wrote them.
        """
        self._wait_for("BEGIN IMMEDIATE")
        number = self._pragma("application_id")
        if number == known or self._pragma("user_version") == self._version:
            return number
        for statement in _TABLES.split(";"):
            self._db.execute(statement)
        number = secrets.randbits(31)
        self._db.execute(f"PRAGMA application_id = {number}")
        self._db.execute(f"PRAGMA user_version = {self._version}")
        return number

    def commit(self) -> None:
        """End a transaction."""
        self._wait_for("COMMIT")

    def undo(self, error: BaseException) -> None:
        """Undo a transaction that failed or was interrupted."""
        self._failed = isinstance(error, Exception)
        with suppress(sqlite3.Error):
            self._db.execute("ROLLBACK")

    def is_calm(self, known: int | None, server_calls: int | None, now: float) -> bool:
        """Return whether the tenant is not paused, has the same limit and no process waits."""
        try:
            if self._pragma("application_id") != known:
                return False
            found = self._wait_for(
                "SELECT EXISTS (SELECT 1 FROM queue WHERE tenant = :tenant AND returns_at >= :now)"
                " OR EXISTS (SELECT 1 FROM tenants WHERE tenant = :tenant"
                " AND (paused_until > :now OR server_calls IS NOT :calls))",
                {"tenant": self._tenant, "now": now, "calls": server_calls},
            )
            return not found.fetchone()[0]
        except Exception:
            self._failed = True
            raise

    def usage(self, now: float, seconds: float) -> tuple[dict[str, ProcessUsage], bool]:
        """Return the occupied slots of each process, and whether a reserved block is among them.

        After the clock went back, times are corrected.
        """
        rows = self._usage_rows(now, seconds)
        if any(start > now for _, _, start, _, _ in rows):
            self._correct(now)
            rows = self._usage_rows(now, seconds)
        usage: dict[str, ProcessUsage] = {}
        for process, slots, start, end, _ in rows:
            one = usage.get(process, ProcessUsage(0, start, end))
            usage[process] = ProcessUsage(
                one.slots + slots, max(one.last_start, start), max(one.last_end, end)
            )
        return usage, any(live for *_, live in rows)

    def _usage_rows(self, now: float, seconds: float) -> list[tuple[str, int, float, float, int]]:
        return self._db.execute(_USAGE, self._occupying(now, seconds)).fetchall()

    def slots(self, now: float, seconds: float) -> Iterator[Slot]:
        """Return the occupied slots in the order of their ends."""
        parameters = self._occupying(now, seconds)
        found = [map(_slot, self._db.execute(one, parameters)) for one in _SLOTS]
        return heapq.merge(*found, key=lambda slot: slot.end)

    def queue(self, now: float) -> list[str]:
        """Return the waiting processes. Remove those that did not return."""
        found = self._db.execute(
            "SELECT process, returns_at FROM queue WHERE tenant = ? ORDER BY number",
            (self._tenant,),
        ).fetchall()
        latest = now + _RETENTION
        waiting = [process for process, returns_at in found if now <= returns_at <= latest]
        for process, _ in found:
            if process not in waiting:
                self.dequeue(process)
        return waiting

    def enqueue(self, process: str, returns_at: float) -> None:
        """Let a process wait."""
        self._db.execute(
            "INSERT INTO queue (tenant, process, returns_at) VALUES (?, ?, ?)"
            " ON CONFLICT (tenant, process) DO UPDATE SET returns_at = excluded.returns_at",
            (self._tenant, process, returns_at),
        )

    def dequeue(self, process: str) -> None:
        """Remove a process that waited."""
        self._db.execute(
            "DELETE FROM queue WHERE tenant = ? AND process = ?", (self._tenant, process)
        )

    def tenant(self, now: float) -> tuple[int | None, float]:
        """Return the server's number of calls, and the seconds left of a pause."""
        row = self._db.execute(
            "SELECT server_calls, paused_at, paused_until FROM tenants WHERE tenant = ?",
            (self._tenant,),
        ).fetchone()
        calls, paused_at, paused_until = row or (None, 0.0, 0.0)
        if paused_at > now:  # the clock went back
            paused_until += now - paused_at
            self._db.execute(
                "UPDATE tenants SET paused_at = ?, paused_until = ? WHERE tenant = ?",
                (now, paused_until, self._tenant),
            )
        return calls, max(0.0, paused_until - now)

    def write_limit(self, calls: int) -> None:
        """Write the server's number of calls."""
        self._db.execute(
            "INSERT INTO tenants (tenant, server_calls) VALUES (?, ?)"
            " ON CONFLICT (tenant) DO UPDATE SET server_calls = excluded.server_calls",
            (self._tenant, calls),
        )

    def write_pause(self, now: float, seconds: float) -> None:
        """Pause the tenant for so many seconds, or as long as another pause takes."""
        self._db.execute(
            "INSERT INTO tenants (tenant, paused_at, paused_until) VALUES (?, ?, ?)"
            " ON CONFLICT (tenant) DO UPDATE SET paused_at = excluded.paused_at,"
            " paused_until = max(paused_until, excluded.paused_until)",
            (self._tenant, now, now + seconds),
        )

    def insert(self, process: str, owner: int, slot: Slot, seconds: float) -> int:
        """Write requests and return their row; delete old rows now and then."""
        done = self._db.execute(
            "INSERT INTO calls (tenant, process, owner, slots, start, end)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (self._tenant, process, owner, slot.count, slot.start, slot.end),
        )
        row = done.lastrowid or 0
        if row % _BATCH == 0:
            oldest = slot.start - max(_RETENTION, seconds + GUARD)
            for statement in _DELETE_OLD:
                self._db.execute(statement, (self._tenant, oldest))
        return row

    def write_end(self, owner: int, row: int, end: float) -> None:
        """Write when a request ended."""
        self._db.execute(
            "UPDATE calls SET end = ? WHERE number = ? AND owner = ?", (end, row, owner)
        )

    def write_block(
        self, process: str, owner: int, slots: int, times: tuple[float, float, float]
    ) -> None:
        """Reserve a block of slots: its start, when it expires, and the end of its last request."""
        self._db.execute(
            "INSERT OR REPLACE INTO blocks (tenant, process, owner, slots, start, expires, end)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self._tenant, process, owner, slots, *times),
        )

    def delete_block(self, owner: int) -> None:
        """Give a block back."""
        self._db.execute("DELETE FROM blocks WHERE tenant = ? AND owner = ?", (self._tenant, owner))

    def delete_calls(self, owner: int) -> None:
        """Delete what a budget wrote."""
        self._db.execute("DELETE FROM calls WHERE tenant = ? AND owner = ?", (self._tenant, owner))

    def _correct(self, now: float) -> None:
        """Correct times after the clock went back: a start in the future counts as now."""
        for statement in _CORRECT:
            self._db.execute(statement, {"tenant": self._tenant, "now": now})

    def _occupying(self, now: float, seconds: float) -> dict[str, str | float]:
        """Return the parameters of ``_OCCUPYING``."""
        occupied = seconds + GUARD
        return {
            "tenant": self._tenant,
            "bound": now - occupied - 1,
            "occupied": occupied,
            "now": now,
        }

    def _wait_for(self, statement: str, parameters: dict[str, Any] | None = None) -> sqlite3.Cursor:
        """Run a statement; wait if another process has the file.

        SQLite's own wait sleeps for up to 100 ms and starves beside processes that book fast.
        """
        until = time.monotonic() + _BUSY
        while True:
            try:
                return self._db.execute(statement, parameters or {})
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(random.uniform(*_PAUSES))  # noqa: S311 - no secret

    def _pragma(self, name: str) -> int:
        return int(self._wait_for(f"PRAGMA {name}").fetchone()[0])


def _slot(row: tuple[float, float, int, int]) -> Slot:
    return Slot(*row)
