"""Connect an account: from the consent link to the account, in one call."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from socialframe.connect.console import Console, default_console
from socialframe.connect.flow import ENDED, Flow, State
from socialframe.connect.redirects import PastedRedirect, Redirect, choose_redirect
from socialframe.connect.requests import Account, PageOption, Send
from socialframe.connect.verify import Verdict
from socialframe.errors import ArgumentError, ConnectError, ValidationError
from socialframe.settings import public_base

Choose = str | Callable[[Sequence[PageOption]], str | PageOption] | None

_POLL_INTERVAL = 0.2  # seconds

PASTE_REQUIRED = (
    "After that, the browser opens a page that does not load. Copy its full URL and paste it here:"
)
PASTE_POSSIBLE = "If the page after that does not load, paste its full URL here:"
_OTHER_MACHINE = (
    "If the page after that does not load, the browser runs on another "
    "machine. Stop, and call connect with callback='paste'."
)
_URL_REFUSED = (
    "The API refused the redirect URL of this process ({error}), so the browser is sent to the URL "
    "that is registered with the API."
)
_PASTE_ERRORS = {
    Verdict.WRONG_PATH: "This URL is not the callback of this attempt; it may belong to an older "
    "one.",
    Verdict.WRONG_STATE: (
        "This URL does not carry the state of this attempt, so it is refused: it may be forged."
    ),
    Verdict.INVALID: "This is not the full URL: it starts with http and contains code=.",
}


def connect_account(
    send: Send,
    platform: str,
    *,
    callback: str,
    redirect_url: str | None,
    port: int,
    timeout: float,
    choose: Choose,
    console: Console | None,
) -> Account:
    """Check the arguments of ``Client.connect`` and connect an account."""
    seconds: object = timeout
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not seconds > 0:
        raise ArgumentError(f"timeout must be a positive number of seconds; got {timeout!r}.")
    if console is None:
        console = default_console(pasting=callback == "paste")
    redirect = choose_redirect(callback, redirect_url, port, public_url=public_base())
    pasting = callback != "loopback"
    return connect(
        send, platform, redirect, console, pasting=pasting, timeout=timeout, choose=choose
    )


def connect(
    send: Send,
    platform: str,
    redirect: Redirect,
    console: Console,
    *,
    pasting: bool = True,
    timeout: float = 300.0,
    choose: Choose = None,
    clock: Callable[[], float] = time.monotonic,
) -> Account:
    """Connect an account. ``pasting`` also accepts a pasted URL while the redirect listens."""
    flow = Flow(send, platform, timeout=timeout, clock=clock)
    redirect = _start(flow, redirect, console)
    remove_link = None
    try:
        remove_link = console.show(f"Open this link to connect {platform}:", flow.link)
        opened = False
        with suppress(OSError, RuntimeError):  # the browser did not start
            opened = console.open_browser is not None and console.open_browser(flow.link)
        _wait_for_callback(flow, redirect, console, pasting=pasting, opened=opened)
        if flow.state is State.CHOOSING:
            _choose_page(flow, console, choose)
    finally:
        flow.cancel()
        redirect.close()
        if remove_link is not None:
            remove_link()
    account = flow.result()
    console.say(f"Connected: {account}.")
    return account


def _start(flow: Flow, redirect: Redirect, console: Console) -> Redirect:
    """Start the flow; if the API refuses the redirect URL, use the registered one."""
    try:
        flow.start(redirect.open(flow))
    except ValidationError as error:
        redirect.close()
        refusal = error.message
    except BaseException:
        flow.cancel()
        redirect.close()
        raise
    else:
        return redirect
    fallback = PastedRedirect(registered=True)
    # If the redirect URL was not the cause, this fails too and reports the real one.
    flow.start(fallback.open(flow))
    console.say(_URL_REFUSED.format(error=refusal))
    return fallback


def _wait_for_callback(
    flow: Flow, redirect: Redirect, console: Console, *, pasting: bool, opened: bool
) -> None:
    """Wait for the callback, and read pasted URLs meanwhile."""
    # A blocking read would delay a callback that arrives from a browser on this machine.
    reads = console.read is not None and (
        not redirect.listens or (pasting and not (console.blocks and opened))
    )
    if not redirect.listens:
        console.say(PASTE_REQUIRED)
    elif reads:
        console.say(PASTE_POSSIBLE)
    else:
        console.say(_OTHER_MACHINE)
    while flow.state not in ENDED | {State.CHOOSING}:
        if console.cancelled() and flow.cancel():
            break
        if reads and flow.state is State.WAITING:
            reads = _read_pasted(flow, console)
        elif not redirect.listens and flow.state is State.WAITING:
            flow.cancel("The callback URL must be pasted, but there is no input to read it from.")
        else:
            flow.wait(_POLL_INTERVAL)


def _read_pasted(flow: Flow, console: Console) -> bool:
    """Read and check a line; return False at the end of input."""
    assert console.read is not None  # noqa: S101 - checked by the caller
    try:
        line = console.read(_POLL_INTERVAL)
    except EOFError:
        return False
    try:
        verdict = flow.handle_pasted(line) if line and line.strip() else None
    finally:
        del line  # tracebacks that show local variables must not show the code
    if verdict in _PASTE_ERRORS:
        console.say(_PASTE_ERRORS[verdict])
    return True


def _choose_page(flow: Flow, console: Console, choose: Choose) -> None:
    """Choose the Page by the argument; without one, the only Page or the user's choice."""
    options = flow.options
    chosen = choose(options) if callable(choose) else choose
    if chosen is None:
        chosen = options[0] if len(options) == 1 else _ask_for_page(flow, console, options)
    if chosen is None:
        known = ", ".join(f"{page.id!r} ({page.name})" for page in options)
        raise ConnectError(f"Choose a Page with choose=…, one of: {known}.")
    flow.choose(chosen)


def _ask_for_page(flow: Flow, console: Console, options: Sequence[PageOption]) -> PageOption | None:
    if console.read is None:
        return None
    lines = [f"  {number}  {page.name} ({page.id})" for number, page in enumerate(options, 1)]
    console.say("\n".join(["Which Page? Type its number.", *lines]))
    by_input = {str(number): page for number, page in enumerate(options, 1)}
    by_input |= {page.id: page for page in options}
    with suppress(EOFError):
        while flow.state is State.CHOOSING:
            line = (console.read(_POLL_INTERVAL) or "").strip()
            if line in by_input:
                return by_input[line]
            if line:
                console.say(f"Type a number from 1 to {len(options)}.")
    return None
