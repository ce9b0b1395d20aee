"""``socialframe sandbox``: its options are the sandbox's own switches."""

from __future__ import annotations

import threading
from dataclasses import fields
from typing import Any

import click

from socialframe.sandbox import Sandbox, parse_fault
from socialframe.sandbox.pages.status import STATUS_PAGE
from socialframe.sandbox.paging.families import PAGINGS
from socialframe.sandbox.switches import Switches

_TABLE = "\n".join(f"  {name:<11} {', '.join(signs)}" for name, signs in PAGINGS.items())

EPILOG = f"""\b
--paging      --end-sign
{_TABLE}

\b
Both take one word for all lists, or are given again for each: --paging posts=cursor.
"""


def options() -> list[click.Parameter]:
    """Return an option for each switch of the sandbox."""
    return [_option(one) for one in fields(Switches)]


def _option(one: Any) -> click.Option:  # noqa: ANN401 - a dataclass's field
    word = one.name.replace("_", "-")
    says = one.metadata["help"]
    if one.name in {"paging", "end_sign"}:
        return click.Option([f"--{word}"], multiple=True, metavar="[LIST=]WORD", help=says)
    if isinstance(one.default, bool):
        return click.Option([f"--{word}/--no-{word}"], default=one.default, help=says)
    choices = one.metadata["choices"]
    if choices:
        kind: Any = click.Choice([str(choice) for choice in choices])
    else:
        kind = float if isinstance(one.default, float) else int if one.name == "page_cap" else str
    shown = one.default not in {None, 0.0}
    return click.Option(
        [f"--{word}"], type=kind, default=one.default, show_default=shown, help=says
    )


def choices(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options' values as keyword arguments of ``Sandbox``.

    Examples
    --------
    >>> choices({"paging": ("posts=cursor",), "end_sign": (), "create_status": "200"})
    {'paging': {'posts': 'cursor'}, 'create_status': 200}
    """
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name in {"paging", "end_sign"}:
            if value:
                found[name] = _words(name, value)
        elif isinstance(value, str) and value.isdecimal():
            found[name] = int(value)
        else:
            found[name] = value
    return found


def made(said: dict[str, Any]) -> Sandbox:
    """Return the sandbox that the options ask for.

    Examples
    --------
    >>> made({"fault": ("status:503@3",), "etag": True})
    Sandbox(tier='paid', etag=True)
    """
    scenario, faults = said.pop("scenario", None), said.pop("fault", ())
    given = choices(said)
    if faults:
        given["faults"] = tuple(map(parse_fault, faults))
    return Sandbox.scenario(scenario, **given) if scenario else Sandbox(**given)


def _words(name: str, words: tuple[str, ...]) -> str | dict[str, str]:
    named = dict(word.split("=", 1) for word in words if "=" in word)
    if not named and len(words) == 1:
        return words[0]
    if len(named) != len(words):
        raise click.UsageError(
            f"--{name.replace('_', '-')} takes one word, or LIST=WORD for each list."
        )
    return named


def run(box: Sandbox, port: int) -> None:
    """Serve a sandbox until Ctrl-C."""
    try:
        with box.serve(port=port) as url:
            click.echo(f"export SOCIALAPI_BASE_URL={url}\nexport SOCIALAPI_KEY={box.key}")
            click.echo(f"Made-up data. Watch it at {url}{STATUS_PAGE}; Ctrl-C ends it.", err=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("The sandbox is closed.", err=True)
    except OSError as error:
        click.echo(f"Error: Port {port} cannot be used: {error.strerror or error}.", err=True)
        raise click.exceptions.Exit(5) from None
