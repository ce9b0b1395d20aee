"""Prints text of the API, so that a terminal does not take it for commands."""

from __future__ import annotations

import sys

import click

from socialframe.errors import FileError
from socialframe.redact import printable


def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text: control characters are escaped on a terminal, and left alone elsewhere."""
    stream = sys.stderr if err else sys.stdout
    if stream is not None and stream.isatty():
        text = printable(text)
    click.echo(text, err=err, nl=nl, color=True)  # otherwise click removes them from a pipe


def check_stdout() -> None:
    """Raise FileError if standard output is closed."""
    if sys.stdout is None:
        raise FileError("Standard output is closed. Open it, or write to a file with -o.")
