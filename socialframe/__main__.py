"""The ``socialframe`` command, also ``python -m socialframe``.

A signal ends the command like an error, so that files and locks are cleaned up, and it decides the
exit code: libraries may catch the exception, or turn it into another one.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

_received: list[int] = []


class Terminated(BaseException):
    """SIGTERM, raised in the main thread."""


def main() -> None:
    """Run the command. Exits with 130 after Ctrl-C and with 143 after SIGTERM."""
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, None)):
        if signal.getsignal(number) in {usual, signal.SIG_DFL}:  # nohup ignores some signals
            signal.signal(number, _interrupt)
    try:
        from socialframe.cli.main import main as run

        run(prog_name="socialframe")
    except BaseException as error:
        if not _received:
            if isinstance(error, SystemExit):
                _finish()
            raise
    if _received:
        _exit(_received[0])


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    _received.append(number)
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated


def _finish() -> None:
    """Write what is buffered. A signal that comes later ends the process at once."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is _interrupt:
            signal.signal(number, lambda number, _frame: os._exit(128 + number))
    with suppress(OSError, ValueError, AttributeError):  # it may be closed
        sys.stdout.flush()


def _exit(number: int) -> NoReturn:
    """End the process with the code that shells use for a signal.

    Python itself would end with another one if an ``exec`` was interrupted.
    """
    _finish()
    os._exit(128 + number)


if __name__ == "__main__":
    main()
