"""Prints errors and warnings, and exits with the code of the error."""

from __future__ import annotations

import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from socialframe.cli.echo import echo
from socialframe.errors import (
    APIError,
    ArgumentError,
    AuthenticationError,
    DatasetError,
    FileError,
    IncompleteWalk,
    InvalidKeyError,
    MissingKeyError,
    NetworkError,
    NotFoundError,
    ServerError,
    SocialFrameError,
    WalkWarning,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNCERTAIN = 4
INTERRUPTED = 130  # as shells report a process that SIGINT ended
#: Exit codes; the first match wins.
_EXIT_CODES: tuple[tuple[tuple[type[SocialFrameError], ...], int], ...] = (
    ((ArgumentError, FileError), 2),
    ((MissingKeyError, InvalidKeyError, AuthenticationError), 3),
    ((IncompleteWalk, DatasetError), _UNCERTAIN),
    ((NetworkError,), 6),
    ((NotFoundError,), 7),
    ((ServerError,), 5),
    ((APIError,), 8),
    ((SocialFrameError,), 5),
)


@contextmanager
def report_errors() -> Iterator[None]:
    """Print errors and warnings on standard error, and exit with the code of the error.

    Rows that may be incomplete are printed, but exit with the code of a walk that failed: a
    pipeline must not take them for all rows.
    """
    uncertain = False

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        nonlocal uncertain
        uncertain = uncertain or issubclass(category, WalkWarning)
        echo(f"Warning: {message}", err=True)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", WalkWarning)
            warnings.showwarning = show
            yield
        if uncertain:
            raise click.exceptions.Exit(_UNCERTAIN)
    except SocialFrameError as error:
        code = next(code for kinds, code in _EXIT_CODES if isinstance(error, kinds))
        echo(f"Error: {error}", err=True)
        if isinstance(error, IncompleteWalk) and error.walk_id:
            echo(f"To continue: socialframe walks resume {error.walk_id}", err=True)
        raise click.exceptions.Exit(code) from None
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    except UnicodeEncodeError as error:
        text = f"The encoding of the output ({error.encoding}) lacks a character. Set PYTHONUTF8=1."
        raise click.ClickException(text) from None
    except BrokenPipeError:
        # The reader of the pipe, such as head, has closed it. Drop what is still buffered.
        sys.stdout = None
        raise click.exceptions.Exit(0) from None
    except OSError as error:
        raise click.ClickException(f"Cannot write: {error.strerror or error}.") from None
