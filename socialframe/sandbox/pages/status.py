"""The status page: the current activity of a sandbox, without scripts.

It needs no key and does not count against the rate limit. Only this machine may open it, and it
shows no key.
"""

from __future__ import annotations

import re
import shlex
from html import escape
from typing import TYPE_CHECKING

from socialframe.sandbox.api.answers import Answer, Routes
from socialframe.sandbox.api.request_log import RequestLog
from socialframe.sandbox.pages.html import page, readable, table
from socialframe.sandbox.state import format_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIEnvironment

    from socialframe.sandbox.api.rate_limit import Verdict
    from socialframe.sandbox.api.request import ApiRequest

STATUS_PAGE = "/_sandbox/"
PATHS = (STATUS_PAGE, STATUS_PAGE.rstrip("/"))
_REQUESTS = 20  # maximum number on the page
_STATUSES = ("draft", "scheduled", "publishing", "published", "partial", "failed")
_HOSTS = re.compile(r"(?ai)(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?")


class StatusSource:
    """Values of the page besides the world; the application sets them."""

    tier: str
    peek: Callable[[], Verdict]


def is_local(environ: WSGIEnvironment) -> bool:
    """Return whether a request names this machine as its host, or is from this process.

    The page of another site can give its own host name the address 127.0.0.1 (DNS rebinding). Its
    browser still sends that name in the Host header.
    """
    # A server sets SERVER_SOFTWARE (RFC 3875, 4.1.17). httpx and Werkzeug, which call the
    # application in this process, do not; they take both names from the same URL.
    own, port = environ.get("SERVER_NAME", ""), environ.get("SERVER_PORT", "")
    host = str(environ.get("HTTP_HOST", own))
    in_process = "SERVER_SOFTWARE" not in environ and host in {own, f"{own}:{port}"}
    return in_process or _HOSTS.fullmatch(host) is not None


def show_status(request: ApiRequest) -> Answer:
    """Answer ``GET /_sandbox/``."""
    if not request.is_local:
        text = "This page is for the machine that it runs on: open it as 127.0.0.1 or localhost.\n"
        return Answer(text.encode(), (), 403, "text/plain; charset=utf-8")
    # Off by default, because a refresh interrupts screen readers.
    refresh = request.text("every") == "5"
    link = '<a href="?">Stop refreshing</a>' if refresh else '<a href="?every=5">Refresh</a>'
    content = (
        f"<p>{format_time(request.state.now)}</p>\n"
        f'<p>{link}<a href="/openapi.json">OpenAPI document</a></p>\n'
        f"{_connection(request)}{_budget(request)}{_requests(request)}{_accounts(request)}"
        f"{_posts(request)}{_switches(request)}"
    )
    head = '<meta http-equiv="refresh" content="5">\n' * refresh
    return page("The sandbox", content, forms="'none'", head=head)


def _connection(request: ApiRequest) -> str:
    exports = (
        f"export SOCIALAPI_BASE_URL={shlex.quote(request.root)}\n"
        "export SOCIALAPI_KEY='paste the key here'"
    )
    return (
        f"<h2>Connect</h2>\n<p>Base URL: <code>{readable(request.root)}</code></p>\n"
        f"<pre><code>{escape(exports)}</code></pre>\n<p>This page does not show the key. "
        "<code>socialframe sandbox</code> prints it, and <code>sandbox.key</code> is it.</p>\n"
    )


def _budget(request: ApiRequest) -> str:
    source, switches = request.state.part(StatusSource), request.switches
    found = source.peek()
    used = found.limit - found.remaining
    wait = "" if found.remaining else f" The next request is allowed in {found.retry_after} s."
    return (
        f"<h2>Rate limit</h2>\n<p>Tier: {source.tier}. {used} of {found.limit} requests used "
        f"({switches.window} window of {switches.window_seconds:g} s).{wait}</p>\n"
    )


def _requests(request: ApiRequest) -> str:
    last = [one for one in request.state.part(RequestLog).last() if one.path not in PATHS]
    rows = [
        (
            one.moment[11:23],
            one.method,
            one.path + "?" * bool(one.query) + one.query,
            f"{one.status}" + (f", fault: {one.fault}" if one.fault else ""),
            f"{one.seconds * 1000:.1f}",
        )
        for one in reversed(last[-_REQUESTS:])
    ]
    heads = ("Time (UTC)", "Method", "Path and query", "Status", "Milliseconds")
    return f"<h2>Requests</h2>\n{table(f'The last {_REQUESTS}, newest first', heads, rows)}"


def _accounts(request: ApiRequest) -> str:
    keys = ("platform", "username", "accountId", "health")
    rows = [[str(one[key]) for key in keys] for one in request.world.health]
    heads = ("Platform", "Username", "Account id", "Health")
    return f"<h2>Accounts</h2>\n{table('Connected accounts', heads, rows)}"


def _posts(request: ApiRequest) -> str:
    rows = [(status, f"{len(request.world.select(status=status)):,}") for status in _STATUSES]
    rows.append(("total", f"{len(request.world.select()):,}"))
    return f"<h2>Posts</h2>\n{table('Posts by status', ('Status', 'Posts'), rows)}"


def _switches(request: ApiRequest) -> str:
    changed = request.switches.changed()
    rows = [(name, str(value)) for name, value in changed.items()]
    heads = ("Switch", "Value")
    return f"<h2>Switches</h2>\n{table('Switches that differ from the default', heads, rows)}"


OPEN: Routes = {("GET", path): show_status for path in PATHS}
