"""What the receiver shows: plain pages of fixed texts. Nothing that came is repeated on them."""

from __future__ import annotations

import base64
import hashlib
from http import HTTPStatus

from socialframe.connect.flow import State

_STYLE = (
    "body{max-width:36rem;margin:3rem auto;padding:0 1rem;line-height:1.5;"
    "font-family:system-ui,sans-serif;color-scheme:light dark}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

#: Of every answer.
HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", _POLICY),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("Connection", "close"),
)

_RESULTS = {
    State.CONNECTED: ("Connected", "You can close this page and go back to where you began."),
    State.CHOOSING: ("One more step", "Go back to where you began and choose which Page is meant."),
    State.DENIED: ("Not connected", "Nothing was allowed, so nothing was connected."),
    State.FAILED: ("Not connected", "Something went wrong. Where you began, it says what."),
}
_REFUSALS = {
    HTTPStatus.BAD_REQUEST: "This is not the answer to what was asked. Start again from the link.",
    HTTPStatus.GONE: "This was answered already, or nobody waits for it any more.",
}


def result(state: State) -> bytes:
    """Return the page that tells how a flow ended.

    Examples
    --------
    >>> b"<h1>Connected</h1>" in result(State.CONNECTED)
    True
    """
    title, text = _RESULTS.get(state, ("Not connected", "Nobody waits for an answer any more."))
    return _made(title, text)


def page(status: HTTPStatus) -> bytes:
    """Return the page of a refusal.

    Examples
    --------
    >>> b"<h1>404 Not Found</h1>" in page(HTTPStatus.NOT_FOUND)
    True
    """
    return _made(f"{status.value} {status.phrase}", _REFUSALS.get(status, "Nothing is here."))


def _made(title: str, text: str) -> bytes:
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n<p>{text}</p>\n</main>\n</body>\n</html>\n"
    ).encode()
