"""Answers by key in any requests-cache backend. Whatever is wrong with it costs one warning."""

from __future__ import annotations

import os
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from socialframe.errors import CacheWarning, outside
from socialframe.transport.locks import ForkLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from socialframe.transport.frame import Codec, Frame, Kept

T = TypeVar("T")

_REST = 60.0  # seconds for which a store that gave trouble is left alone
_forked: list[object] = []  # connections of a parent process, which a child must not close


class Store:
    """Answers by key, opened with the first use, and anew in a forked child.

    A store that cannot be used gives nothing and takes nothing for a while; it never raises.

    Parameters
    ----------
    place : Path, BaseCache or None
        A file, or a backend of requests-cache; None keeps everything in memory.
    codec : callable
        Makes what compresses.
    clock : callable
        Seconds that only ever grow.

    Examples
    --------
    >>> import pyarrow as pa, tempfile
    >>> from pathlib import Path
    >>> from socialframe.transport.frame import Kept
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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place = place
        self._codec = codec
        self._clock = clock
        self._lock = ForkLock()
        self._pid = os.getpid()
        self._backend: Any = None
        self._frame: Frame | None = None
        self._off_until = -float("inf")
        self._warned = False

    def get(self, key: str) -> Kept | None:
        """Return what is kept under a key; None where there is nothing that can be read."""

        def read(backend: Any) -> Kept | None:  # noqa: ANN401 - as above
            from socialframe.transport.sqlite import from_response

            try:
                found = backend.responses[key]
            except KeyError:
                return None
            return None if found is None else from_response(found)

        return self._do(read, otherwise=None)

    def put(self, key: str, kept: Kept) -> bool:
        """Keep an answer; whether it is kept."""

        def write(backend: Any) -> bool:  # noqa: ANN401 - as above
            from socialframe.transport.sqlite import to_response

            backend.responses[key] = to_response(kept)
            return True

        return self._do(write, otherwise=False)

    def delete(self, keys: Iterable[str]) -> None:
        """Forget what is kept under some keys."""
        gone = list(keys)
        if gone:
            self._do(lambda backend: backend.responses.bulk_delete(gone), None)

    def keys(self) -> list[str]:
        """Return all keys."""
        return self._do(lambda backend: [str(key) for key in backend.responses], [])

    def shrink(self) -> None:
        """Give space that is no longer used back to the disk, where there is a file."""
        self._do(lambda backend: getattr(backend.responses, "vacuum", lambda: None)(), None)

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        with self._lock():
            self._drop()

    # Reading is under the lock too: requests-cache reads without one, and then now and then a
    # reading thread finds nothing because another writes.
    def _do(self, work: Callable[[Any], T], otherwise: T) -> T:
        trouble = ""
        with self._lock():
            if self._clock() < self._off_until:
                return otherwise
            try:
                result = work(self._opened())
            except Exception as error:  # noqa: BLE001 - whatever a backend raises is no answer lost
                trouble, result = self._troubled(error), otherwise
            if not trouble and self._frame is not None and self._frame.strange:
                self._frame.strange = False
                trouble = "holds entries that are damaged or of another version; they are not used"
        if trouble and not self._warned:
            self._warned = True
            warnings.warn(f"The cache {trouble}.", CacheWarning, stacklevel=outside())
        return result

    def _opened(self) -> Any:  # noqa: ANN401 - as above
        from socialframe.transport import sqlite

        if self._pid != os.getpid():
            _forked.append(self._backend)
            self._backend, self._pid = None, os.getpid()
        if self._backend is None:
            self._frame = sqlite.frame_of(self._codec())
            if isinstance(self._place, Path):
                self._backend = sqlite.open_file(self._place, self._frame)
            elif self._place is None:
                self._place = self._backend = sqlite.in_memory()
            else:
                self._backend = sqlite.adopted(self._place, self._frame)
        return self._backend

    def _troubled(self, error: Exception) -> str:
        """Close what gave trouble, and say what it was."""
        from socialframe.transport import sqlite

        self._drop()
        where = self._place if isinstance(self._place, Path) else type(self._place).__name__
        if sqlite.is_corrupt(error) and isinstance(self._place, Path):
            try:
                aside = sqlite.set_aside(self._place)
            except OSError:
                pass  # nothing to be done here: it is left alone as any other that cannot be used
            else:
                return f"{where} was damaged ({error}); it is now {aside.name}, and a new one begun"
        self._off_until = self._clock() + _REST
        return f"{where} cannot be used ({error}), so calls go to the API"

    def _drop(self) -> None:
        backend, self._backend = self._backend, None
        if backend is None or not isinstance(self._place, Path):
            return
        if self._pid != os.getpid():
            _forked.append(backend)
            return
        with suppress(Exception):  # it is given up
            backend.close()
