"""Answers by key in any requests-cache backend. Whatever is wrong with it costs one warning."""

from __future__ import annotations

import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from socialframe.errors import CacheWarning, user_stacklevel
from socialframe.sqlite import is_damaged, made, set_aside
from socialframe.sqlite_forks import closes
from socialframe.sqlite_locks import Turns
from socialframe.store.codec import Frame, Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from socialframe.store.codec import Codec

T = TypeVar("T")

_REST = 60.0  # seconds for which a store that gave trouble is left alone
_REMOTE = "is on a network file system, where it is slower; cache=PATH names another place"


class Store:
    """Answers by key, opened with the first use, and anew after a fork.

    A store that cannot be used gives nothing and takes nothing for a while; it never raises.

    Parameters
    ----------
    place : Path, BaseCache or None
        A file, or a backend of requests-cache; None keeps everything in memory.
    codec : callable
        Makes what compresses.
    network : bool
        Whether a file lies on a network file system.
    clock : callable
        Seconds that only ever grow.

    Examples
    --------
    >>> import pyarrow as pa, tempfile
    >>> from pathlib import Path
    >>> from socialframe.store.codec import Kept
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = Store(Path(folder, "http.sqlite"), lambda: pa.Codec("zstd"))
    ...     store.put("00ff", Kept(200, (), b"[]", 0.0))
    ...     store.get("00ff").body
    ...     store.close()
    True
    b'[]'
    """

    def __init__(
        self,
        place: Path | Any | None,  # noqa: ANN401 - a backend, whose library is not loaded here
        codec: Callable[[], Codec],
        *,
        network: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place = place
        self._codec = codec
        self._network = network
        self._clock = clock
        self._turns = Turns()
        self._backend: Any = None
        self._file = 0  # what tells the file that was opened from one that stands there now
        self._frame: Frame | None = None
        self._off_until = -float("inf")
        self._warned = False
        closes(self)

    def get(self, key: str) -> Kept | None:
        """Return what is kept under a key; None where there is nothing that can be read."""

        def read(backend: Any) -> Kept | None:  # noqa: ANN401 - as above
            from socialframe.store.requests_cache import from_response

            try:
                found = backend.responses[key]
            except KeyError:
                return None
            return found if found is None or isinstance(found, Kept) else from_response(found)

        return self._do(read, otherwise=None)

    def put(self, key: str, kept: Kept) -> bool:
        """Keep an answer; whether it is kept."""

        def write(backend: Any) -> bool:  # noqa: ANN401 - as above
            from socialframe.store.requests_cache import to_response

            # What the others hold are requests-cache's own values, which cost as much as a read.
            backend.responses[key] = kept if isinstance(self._place, Path) else to_response(kept)
            return True

        return self._do(write, otherwise=False)

    def delete(self, keys: Iterable[str]) -> bool:
        """Forget what is kept under some keys; whether it is forgotten."""
        gone = list(keys)

        def forget(backend: Any) -> bool:  # noqa: ANN401 - as above
            if gone:
                backend.responses.bulk_delete(gone)
            return True

        return self._do(forget, otherwise=False)

    def keys(self) -> list[str]:
        """Return all keys."""
        return self._do(lambda backend: [str(key) for key in backend.responses], [])

    def shrink(self) -> None:
        """Give space that is no longer used back to the disk, where there is a file."""

        def shrink(backend: Any) -> None:  # noqa: ANN401 - as above
            with suppress(Exception):  # others are at work in it; nothing is lost
                getattr(backend.responses, "vacuum", lambda: None)()

        self._do(shrink, None)

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        self.hold()
        self.free()

    # Reading is under the lock too: requests-cache reads without one, and then now and then a
    # reading thread finds nothing because another writes.
    def _do(self, work: Callable[[Any], T], otherwise: T) -> T:
        def turn() -> tuple[T, str]:
            if self._clock() < self._off_until:
                return otherwise, ""
            trouble = ""
            try:
                result = work(self._opened())
            except Exception as error:  # noqa: BLE001 - whatever a backend raises is no answer lost
                trouble, result = self._troubled(error), otherwise
            if not trouble and self._frame is not None and self._frame.strange:
                self._frame.strange = False
                trouble = "holds entries that are damaged or of another version; they are not used"
            elif self._network and not trouble and not self._warned:
                trouble = f"{self._place} {_REMOTE}"
            return result, trouble

        result, trouble = self._turns.take(turn, (otherwise, ""))
        if trouble and not self._warned:
            self._warned = True
            warnings.warn(f"The cache {trouble}.", CacheWarning, stacklevel=user_stacklevel())
        return result

    def _opened(self) -> Any:  # noqa: ANN401 - as above
        from socialframe.store import requests_cache as sqlite

        if self._backend is None:
            if isinstance(self._place, Path):
                self._frame = Frame(self._codec())
                self._place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                made(self._place)
                self._file = self._place.stat().st_ino
                self._backend = sqlite.open_file(self._place, self._frame, wal=not self._network)
            elif self._place is None:
                self._place = self._backend = sqlite.in_memory()
            else:
                self._frame = sqlite.frame_of(self._codec())
                self._backend = sqlite.adopted(self._place, self._frame)
        return self._backend

    def _troubled(self, error: Exception) -> str:
        """Close what gave trouble, and say what it was."""
        self._drop()
        where = self._place if isinstance(self._place, Path) else type(self._place).__name__
        if is_damaged(error) and isinstance(self._place, Path):
            with suppress(OSError):  # then it is left alone as any other that cannot be used
                if self._place.stat().st_ino != self._file:
                    return ""  # somebody else has set it aside
                aside = set_aside(self._place)
                return f"{where} was damaged ({error}); it is now {aside.name}, and a new one begun"
        self._off_until = self._clock() + _REST
        return f"{where} cannot be used ({error}), so calls go to the API"

    def hold(self) -> None:
        """Take the lock and close the file, before a fork."""
        self._turns.hold()
        self._drop()

    def free(self) -> None:
        """Give the lock back, after it."""
        self._turns.free()

    def _drop(self) -> None:
        backend, self._backend = self._backend, None
        if backend is not None and isinstance(self._place, Path):
            with suppress(Exception):  # it is given up
                backend.close()
