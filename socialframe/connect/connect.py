"""Connecting an account, from the link to who it was, as one function."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from socialframe.connect.flow import OVER, Flow, State, nonce
from socialframe.connect.redirects import Pasted
from socialframe.connect.verify import Verdict
from socialframe.errors import ConnectError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from socialframe.connect.console import Console
    from socialframe.connect.redirects import Way
    from socialframe.connect.requests import Account, Option, Send

    Choose = str | Callable[[Sequence[Option]], str | Option] | None

_TICK = 0.2  # seconds between two looks at what was typed

_HOW_TO_PASTE = (
    "Afterwards the browser goes to a page that does not load. Copy its whole address and paste it "
    "here:"
)
_IF_IT_DOES_NOT_LOAD = "If the page after it does not load, paste its whole address here:"
_ELSEWHERE = (
    "If the page after it does not load, the browser is on another machine: stop, and connect with "
    "callback='paste'."
)
_REFUSED = (
    "The API refused our own address as redirect URL ({error}), so the browser goes to the one "
    "that is registered with the API."
)
_ANSWERS = {
    Verdict.ELSEWHERE: "This address belongs to something else, perhaps to an earlier attempt.",
    Verdict.WRONG_STATE: (
        "This address does not carry what this attempt sent along, so it is not taken: anybody "
        "could have made it."
    ),
    Verdict.BAD: "This is not the whole address: it begins with http and has code= in it.",
}


def connect(
    send: Send,
    platform: str,
    way: Way,
    console: Console,
    *,
    pasting: bool = True,
    timeout: float = 300.0,
    choose: Choose = None,
    clock: Callable[[], float] = time.monotonic,
    token: Callable[[], str] = nonce,
) -> Account:
    """Connect an account, from the link to the name of who was connected.

    Parameters
    ----------
    send : callable
        One call in, one reply out.
    platform : str
        Where.
    way : Way
        How the answer comes back.
    console : Console
        The person.
    pasting : bool
        Whether an address may also be pasted where the way listens.
    timeout : float
        Seconds that it waits for the person.
    choose : str, callable or None
        The id of the Facebook Page that is meant, or a function of all of them; None asks.
    clock, token : callable
        As for ``Flow``.

    Returns
    -------
    Account

    Raises
    ------
    ConnectError
        If none was connected.
    SocialFrameError
        If the API refused to begin.

    Examples
    --------
    >>> from socialframe.client import Client
    >>> from socialframe.connect.console import here
    >>> connect(Client.sandbox().send, "gopher", Pasted(), here())
    Traceback (most recent call last):
    socialframe.errors.ValidationError: GET /v1/connect/gopher: 400 platform must be one of: ...
    """
    flow = Flow(send, platform, timeout=timeout, clock=clock, token=token)
    way = _begin(flow, way, console)
    gone = None
    try:
        gone = console.show(f"Follow this link to connect {platform}:", flow.link)
        opened = False
        with suppress(OSError, RuntimeError):  # a browser that does not start is none
            opened = console.opens is not None and console.opens(flow.link)
        _listen(flow, way, console, pasting=pasting, opened=opened)
        if flow.state is State.CHOOSING:
            _choose(flow, console, choose)
    finally:
        flow.cancel()
        way.close()
        if gone is not None:
            gone()
    account = flow.result()
    console.say(f"Connected: {account}.")
    return account


def _begin(flow: Flow, way: Way, console: Console) -> Way:
    """Open the way, or, where its address is refused, the one that needs none."""
    try:
        flow.start(way.open(flow))
    except ValidationError as error:
        way.close()
        refused = error.message
    except BaseException:
        flow.cancel()
        way.close()
        raise
    else:
        return way
    fallback = Pasted(registered=True)
    # Where it was not the address that is wrong, this is refused as well, and says what is.
    flow.start(fallback.open(flow))
    console.say(_REFUSED.format(error=refused))
    return fallback


def _listen(flow: Flow, way: Way, console: Console, *, pasting: bool, opened: bool) -> None:
    """Wait until somebody answered, and take what is pasted meanwhile."""
    # A read that blocks is for where the answer does not come by itself: with a browser on this
    # machine it does.
    reads = console.read is not None and (
        not way.listens or (pasting and not (console.blocks and opened))
    )
    if not way.listens:
        console.say(_HOW_TO_PASTE)
    elif reads:
        console.say(_IF_IT_DOES_NOT_LOAD)
    else:
        console.say(_ELSEWHERE)
    while flow.state not in OVER | {State.CHOOSING}:
        if reads and flow.state is State.WAITING:
            reads = _read(flow, console)
        elif not way.listens and flow.state is State.WAITING:
            flow.cancel("Nobody can paste the address here, and it comes in no other way.")
        else:
            flow.wait(_TICK)


def _read(flow: Flow, console: Console) -> bool:
    """Take a line, if one comes; return whether more may come."""
    assert console.read is not None  # noqa: S101 - it was looked at
    try:
        line = console.read(_TICK)
    except EOFError:
        return False
    try:
        verdict = flow.paste(line) if line and line.strip() else None
    finally:
        del line  # no traceback that shows local variables repeats it
    if verdict in _ANSWERS:
        console.say(_ANSWERS[verdict])
    return True


def _choose(flow: Flow, console: Console, choose: Choose) -> None:
    """Say which Page is meant: the one that was asked for, the only one, or who is asked says."""
    options = flow.options
    chosen = choose(options) if callable(choose) else choose
    if chosen is None and len(options) == 1:
        chosen = options[0]
    if chosen is None:
        chosen = _asked(flow, console, options)
    if chosen is None:
        known = ", ".join(f"{one.id!r} ({one.name})" for one in options)
        raise ConnectError(f"Say which Page is meant, as choose=…; there are: {known}.")
    flow.choose(chosen)


def _asked(flow: Flow, console: Console, options: Sequence[Option]) -> Option | None:
    if console.read is None:
        return None
    lines = [f"  {number}  {one.name} ({one.id})" for number, one in enumerate(options, 1)]
    console.say("\n".join(["Which Page? Type its number.", *lines]))
    by_word = {str(number): one for number, one in enumerate(options, 1)}
    by_word |= {one.id: one for one in options}
    with suppress(EOFError):
        while flow.state is State.CHOOSING:
            line = (console.read(_TICK) or "").strip()
            if line in by_word:
                return by_word[line]
            if line:
                console.say(f"Type a number from 1 to {len(options)}.")
    return None
