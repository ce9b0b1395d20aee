"""The budget of all processes of a tenant on this machine, in a SQLite file.

While many slots are free, a process that sends fast reserves a block of them in one transaction and
takes them in memory. Unused slots go back after a few hundredths of a second without a request, or
when another process waits. Near the limit each request is a transaction of its own.

Each operation is one short transaction; no process holds the file while it waits. The file stays
open, is closed before a fork, and is created again if it was deleted. Its data matters for one
window only: if the file fails, processes share less fairly, but no request fails. Each process
knows its own requests and writes them into a file that lacks them.
"""

from __future__ import annotations

import os
import secrets
import uuid
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakValueDictionary

from socialframe.errors import BudgetWarning
from socialframe.folders import boot_id, runtime_folder
from socialframe.http.budget import (
    GUARD,
    EndedSlots,
    Limit,
    MemoryBudget,
    Slot,
    Usage,
    adjusted,
    nth_end,
    same_window,
    uptime,
    wait_for,
)
from socialframe.http.budget_file import BudgetFile
from socialframe.http.fair_share import FairShare
from socialframe.http.idle import watch
from socialframe.sqlite import ForkLock, SQLiteFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from socialframe.http.transport import Wiring

T = TypeVar("T")

_GRACE = 1.0  # seconds after its announced return at which a missing process leaves the queue
_RETRY = 0.02  # seconds until the processes before this one have booked, or gave slots back
_FORMAT = 3  # of the file; a file of another format is replaced
_BLOCK = 0.05  # seconds for which a block of slots suffices, at the rate of the last requests
_EXPIRY = 0.25  # seconds until a block may not be used any more, in a window of 5 s or longer
_CHECK = 0.005  # seconds during which a block is used without a look at the file

_process_names: dict[int, str] = {}


def _process_name() -> str:
    """Return a unique name of this process; a forked child gets its own."""
    pid = os.getpid()
    return _process_names.get(pid) or _process_names.setdefault(pid, uuid.uuid4().hex)


@dataclass(slots=True)
class _Block:
    """Slots that this process reserved and may take without a transaction."""

    slots: int  # that are left
    start: float
    expires: float
    timeout: float  # longest of a request
    checked: float  # when the file was last seen without a pause or a waiting process
    taken: int = 0
    taken_before: int = -1  # when it was last looked at

    def covers(self, now: float, timeout: float) -> bool:
        """Return whether a request may start."""
        return self.slots > 0 and self.start <= now < self.expires and timeout <= self.timeout


@dataclass(frozen=True, slots=True)
class _Moment:
    """What the file says at one moment."""

    share: FairShare
    paused: float  # seconds left of a pause
    others_have_blocks: bool

    @property
    def limit(self) -> Limit:
        return self.share.limit


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
        self._pid = os.getpid()
        self._owner = secrets.randbits(62)  # of the rows that this object writes
        self._lock = ForkLock()  # guards what follows; never held while the file is awaited
        self._block: _Block | None = None
        self._to_write: list[Slot] = []  # requests that ended while a block was reserved
        self._booked_at = -float("inf")  # when a transaction last booked
        self._started = 0  # requests since then
        self._file_id: int | None = None  # of the file that has the requests of ``_own``
        self._unwritten = False  # whether that file may lack changes of ``_own``
        self._file: SQLiteFile[BudgetFile] = SQLiteFile(
            lambda: find_folder() / "budget.sqlite",
            self._open,
            category=BudgetWarning,
            label="The budget file",
            consequence=(
                "other processes do not see the requests of this one; together they may exceed "
                "the limit"
            ),
            follows_path=True,
            clock=clock,
        )

    def reserve(self, timeout: float) -> tuple[Slot | None, float]:
        """Book a request, or return the seconds to wait before asking again, and join the queue.

        A request that does not end within ``timeout`` counts as ended then.
        """
        slot = self._take(timeout) or (self._check() and self._take(timeout))
        return (slot, 0.0) if slot else self._book(timeout)

    def leave(self) -> None:
        """Leave the queue without a request."""
        if self._queued:
            self._run(lambda file, _: self._dequeue(file), lambda: None)

    def end(self, slot: Slot) -> None:
        """Record that a booked request got its response or failed."""
        self._notice_fork()
        with self._lock():
            self._own.end(slot)
            if self._block is not None:
                self._to_write.append(slot)
                return

        def write(file: BudgetFile, _now: float) -> None:
            if slot.row:
                file.write_end(self._owner, slot.row, slot.end)

        self._run(write, lambda: None)

    def pause(self, seconds: float) -> None:
        """Pause: no request of the tenant starts for so many seconds."""
        self._own.pause(seconds)

        def write(file: BudgetFile, now: float) -> None:
            self._settle(file)
            file.write_pause(now, seconds)

        self._run(write, lambda: None)

    def update_limit(
        self, calls: int, reset: float | None = None, window: float | None = None
    ) -> None:
        """Use the server's limit, unless reset or window show that it counts in another one."""
        if calls == self._server_calls or not same_window(self._limit, reset, window):
            return
        self._server_calls = calls
        self._own.update_limit(calls)

        def write(file: BudgetFile, _now: float) -> None:
            self._settle(file)
            file.write_limit(calls)

        self._run(write, lambda: None)

    def usage(self) -> Usage:
        """Return the usage of this moment. Slots that other processes reserved count as used."""

        def read(file: BudgetFile, now: float) -> Usage:
            self._settle(file)
            moment = self._read(file, now)
            share, limit, used = moment.share, moment.limit, moment.share.used
            wait = moment.paused or self._slot_wait(file, moment, used - limit.calls)
            processes = {self._process_name(), *share.usage, *share.queue}
            return Usage(limit, used, max(0, limit.calls - used), wait, len(processes))

        return self._run(read, self._own.usage)

    def seconds_until(self, calls: int) -> float:
        """Return the seconds until the last of so many requests may start."""

        def read(file: BudgetFile, now: float) -> float:
            self._settle(file)
            moment = self._read(file, now)
            occupied = moment.limit.seconds + GUARD
            free_in = [
                min(slot.end, now) + occupied - now
                for slot in file.slots(now, moment.limit.seconds)
                for _ in range(slot.count)
            ]
            return wait_for(moment.limit, free_in, calls, moment.paused)

        return self._run(read, lambda: self._own.seconds_until(calls))

    def give_back(self) -> None:
        """Give back the slots that are reserved for later requests of this process."""
        if self._block is not None:
            self._run(lambda file, _: self._settle(file), lambda: None)

    def give_back_if_idle(self, *, ends: bool) -> bool:
        """Give back the slots if none was taken since the last call, or if the process ends.

        Return whether no slots are reserved.
        """
        self._notice_fork()
        with self._lock():
            block = self._block
            if block is None:
                return True
            idle = ends or block.taken == block.taken_before
            block.taken_before = block.taken
        if idle:
            self.give_back()
        return idle

    def _take(self, timeout: float) -> Slot | None:
        """Take a slot of the block; return None if a look at the file is due."""
        block = self._block
        if block is None:
            return None
        self._notice_fork()
        with self._lock():
            block, now = self._block, self._clock()
            if block is None or not block.covers(now, timeout):
                return None
            if not 0 <= now - block.checked < _CHECK:
                return None
            block.slots -= 1
            block.taken += 1
            self._started += 1
            slot = Slot(now, now + timeout)
            self._own.add(slot)
            return slot

    def _check(self) -> bool:
        """Return whether the block may still be used."""
        block = self._block
        if block is None or block.slots == 0:
            return False

        def look(file: BudgetFile) -> bool:
            now = self._clock()
            calm = file.is_calm(self._file_id, self._server_calls, now)
            if calm:
                block.checked = now
            return calm

        return self._file.run(look, otherwise=False)

    def _book(self, timeout: float) -> tuple[Slot | None, float]:
        """Book a request and perhaps a block of slots in the file."""

        def book(file: BudgetFile, now: float) -> tuple[Slot | None, float, _Block | None]:
            self._settle(file)
            moment = self._read(file, now)
            process = self._process_name()
            wait = self._wait(file, moment)
            if wait:
                file.enqueue(process, now + wait + _GRACE)
                self._queued = True
                return None, wait, None
            if process in moment.share.queue:
                self._dequeue(file)
            slot, block = Slot(now, now + timeout), None
            size = min(moment.share.block(process), self._sendable(now))
            if size > 1:
                expires = now + min(_EXPIRY, moment.limit.seconds / 20)
                times = now, expires, expires + timeout
                file.write_block(process, self._owner, size, times)
                block = _Block(size - 1, now, expires, timeout, checked=now)
            else:
                slot.row = self._insert(file, slot)
            self._booked_at, self._started = now, 1
            return slot, 0.0, block

        def adopt(booked: tuple[Slot | None, float, _Block | None]) -> None:
            slot, _, block = booked
            if slot is not None:
                with self._lock():
                    self._own.add(slot)
                    self._block = block

        slot, wait, block = self._run(book, lambda: (*self._own.reserve(timeout), None), adopt)
        if block is not None:
            watch(self)
        return slot, wait

    def _sendable(self, now: float) -> int:
        """Return how many requests to reserve slots for, at the rate of the last ones."""
        passed = now - self._booked_at
        if passed <= 0:
            return self._limit.calls if passed == 0 else 1
        return int(min(self._limit.calls, _BLOCK * self._started / passed))

    def _wait(self, file: BudgetFile, moment: _Moment) -> float:
        """Return the seconds that this process has to wait."""
        if moment.paused:
            return moment.paused
        process, share = self._process_name(), moment.share
        over = share.used + share.queued_before(process) - share.limit.calls
        return self._slot_wait(file, moment, over) or share.delay(process)

    def _slot_wait(self, file: BudgetFile, moment: _Moment, over: int) -> float:
        """Return the seconds until ``over`` + 1 occupied slots may be free."""
        if over < 0:
            return 0.0
        share, seconds = moment.share, moment.limit.seconds
        if not share.used:
            return _RETRY
        end = nth_end(file.slots(share.now, seconds), over)
        # A request under way may end at this moment, before its presumed end.
        wait = min(end, share.now) + seconds + GUARD - share.now
        return min(wait, _RETRY) if moment.others_have_blocks else wait

    def _read(self, file: BudgetFile, now: float) -> _Moment:
        """Return the shares of all processes and the pause."""
        calls, paused = file.tenant(now)
        if calls and calls != self._server_calls:  # another process got it
            self._server_calls = calls
            self._own.update_limit(calls)
        limit = adjusted(self._limit, self._server_calls, adapts=self._adapts)
        usage, others_have_blocks = file.usage(now, limit.seconds)
        share = FairShare(limit, usage, file.queue(now), now)
        return _Moment(share, paused, others_have_blocks)

    def _settle(self, file: BudgetFile) -> None:
        """Write the requests that took slots of the block, and give back the others."""
        with self._lock():
            block, self._block = self._block, None
            ended, self._to_write = self._to_write, []
            under_way = [slot for slot in self._own.under_way() if not slot.row]
        if block is None and not ended:
            return
        merged = EndedSlots(self._limit.seconds)
        for slot in ended:
            if slot.row:
                file.write_end(self._owner, slot.row, slot.end)
            else:
                merged.add(slot.start, slot.end)
        for slot in merged:
            self._insert(file, slot)
        for slot in under_way:
            slot.row = self._insert(file, slot)
        file.delete_block(self._owner)

    def _insert(self, file: BudgetFile, slot: Slot) -> int:
        return file.insert(self._process_name(), self._owner, slot, self._limit.seconds)

    def _dequeue(self, file: BudgetFile) -> None:
        file.dequeue(self._process_name())
        self._queued = False

    def _run(
        self,
        work: Callable[[BudgetFile, float], T],
        fallback: Callable[[], T],
        adopt: Callable[[T], None] | None = None,
    ) -> T:
        """Return the result of the work in one transaction, or the fallback if the file fails.

        ``adopt`` gets the result before another thread uses the file.
        """
        self._notice_fork()
        done: list[T] = []

        def run(file: BudgetFile) -> None:
            result = self._transaction(file, work)
            if adopt is not None:
                adopt(result)
            done.append(result)

        try:
            self._file.run(run, None)
            return done[-1] if done else fallback()
        finally:
            if not done:
                # After the fallback: a transaction of another thread may not have seen its changes.
                self._discard()

    def _transaction(self, file: BudgetFile, work: Callable[[BudgetFile, float], T]) -> T:
        try:
            file_id = file.begin(self._file_id)
            is_new = file_id != self._file_id
            if self._unwritten or is_new:
                self._unwritten = False  # another thread may set it from here on
                self._rewrite(file, is_new=is_new)
            # Read the clock while the file is locked, so that rows are in the order of their times.
            result = work(file, self._clock())
            file.commit()
        except BaseException as error:
            self._discard()
            file.undo(error)
            raise
        self._file_id = file_id
        return result

    def _rewrite(self, file: BudgetFile, *, is_new: bool) -> None:
        """Write all requests and the pause of this process into a file that may lack them."""
        with self._lock():
            self._block, self._to_write = None, []
            ended, under_way = self._own.ended(), self._own.under_way()
        if not is_new:
            file.delete_calls(self._owner)
            file.delete_block(self._owner)
        elif self._server_calls:
            file.write_limit(self._server_calls)
        if paused := self._own.paused_for():
            file.write_pause(self._clock(), paused)
        for slot in (*ended, *under_way):
            slot.row = self._insert(file, slot)

    def _discard(self) -> None:
        """Take no more slots of the block, and write all requests again later."""
        with self._lock():
            self._block, self._to_write, self._unwritten = None, [], True

    def _notice_fork(self) -> None:
        """In a forked child, leave to the parent what it reserved and has to write."""
        if self._pid == os.getpid():
            return
        with self._lock():
            self._pid, self._owner = os.getpid(), secrets.randbits(62)
            self._block, self._to_write, self._queued = None, [], False
            self._booked_at = -float("inf")
            for slot in self._own.under_way():
                slot.row = -1

    def _open(self, path: Path | None) -> BudgetFile:
        assert path is not None  # noqa: S101 - this file always has a path
        return BudgetFile(path, self._tenant, self._version, self._release)

    def _release(self, file: BudgetFile) -> None:
        """Give the block back before the file is closed."""
        if self._block is not None:
            self._transaction(file, lambda file, _: self._settle(file))


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
