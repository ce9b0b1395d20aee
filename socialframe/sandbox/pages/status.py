"""The live page: what a sandbox is doing at this moment, for people; plain HTML, no scripts.

It needs no key and costs no call, so it is told only to this machine, and shows no secret.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from html import escape
from typing import TYPE_CHECKING

from socialframe.sandbox.api.answers import Answer
from socialframe.sandbox.api.rate_limit import Verdict
from socialframe.sandbox.api.request_log import RequestLog
from socialframe.sandbox.pages.consent import SHY, readable
from socialframe.sandbox.state import stamp
from socialframe.sandbox.switches import Switches
from socialframe.settings import KEY_NAME, URL_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import WSGIEnvironment

    from socialframe.sandbox.api.answers import Routes
    from socialframe.sandbox.api.request import Ask

WATCH = "/_sandbox/"
PLACES = (WATCH, WATCH.rstrip("/"))
"""Where the page is: nobody should learn about slashes from a refusal."""

SHOWN_POSTS, SHOWN_REQUESTS, SHOWN_CHARACTERS = 10, 20, 160
STATUSES = ("draft", "scheduled", "publishing", "published", "partial", "failed")
OPENAPI = "/openapi.json"

_HOSTS = re.compile(r"(?ai)(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?")

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (("Content-Security-Policy", _POLICY), *SHY)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{refresh}<link rel="icon" href="data:,">
<title>Sandbox (made-up data)</title>
<style>
:root {{ color-scheme: light dark; --paper: #fcfcfa; --ink: #24292f; --quiet: #57606a;
  --line: #d0d4d9; --link: #0a58a8; --note: #fff3cf; }}
@media (prefers-color-scheme: dark) {{
:root {{ --paper: #16191d; --ink: #e3e6e9; --quiet: #a3abb5; --line: #3c434b; --link: #80b8f8;
  --note: #3a3113; }}
}}
* {{ box-sizing: border-box; }}
body {{ max-width: 64rem; margin: 0 auto; padding: 1rem 1rem 3rem; line-height: 1.5;
  font-family: system-ui, sans-serif; background: var(--paper); color: var(--ink); }}
h1 {{ font-size: 1.5rem; margin: .5rem 0; }}
h2 {{ font-size: 1.15rem; margin: 2.25rem 0 .5rem; }}
p, pre {{ margin: .5rem 0; }}
a {{ color: var(--link); display: inline-block; padding: .2rem 0; margin-right: 1rem; }}
.note {{ background: var(--note); border-radius: .4rem; padding: .5rem .75rem; }}
.quiet, caption {{ color: var(--quiet); }}
.wide {{ overflow-x: auto; margin: .5rem 0 1.25rem; }}
pre {{ border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .75rem; }}
code, pre {{ font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere;
  white-space: pre-wrap; }}
meter {{ width: 100%; max-width: 30rem; height: 1.25rem; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; padding: .25rem 0; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem 1rem .3rem 0;
  border-bottom: 1px solid var(--line); }}
tbody th {{ font-weight: inherit; }}
tbody th, td {{ white-space: nowrap; }}
.long {{ white-space: normal; min-width: 14rem; max-width: 28rem; overflow-wrap: anywhere; }}
summary {{ cursor: pointer; padding: .35rem 0; }}
</style>
</head>
<body>
<main>
<h1>The sandbox</h1>
<p class="note">All that stands here is made-up: the people, their accounts, their posts and their
numbers. This is not the real service.</p>
<p class="quiet">As of <time datetime="{now}">{now}</time>.</p>
<p>{links}</p>
{sections}
</main>
</body>
</html>
"""


def _nothing() -> Verdict:
    return Verdict(allowed=True, limit=0, remaining=0, wait=0.0)


class Seen:
    """What the page shows of a sandbox besides its world; the application fills it in."""

    def __init__(self) -> None:
        self.tier = ""
        self.look: Callable[[], Verdict] = _nothing
        self.paths: set[str] = set()

    def of(self, tier: str, look: Callable[[], Verdict], paths: set[str]) -> None:
        """Say whose page this is."""
        self.tier, self.look, self.paths = tier, look, paths


def is_here(environ: WSGIEnvironment) -> bool:
    """Tell whether a request calls this machine by its name, or never left the process.

    A page of another site can call its own name 127.0.0.1 (DNS rebinding), and could then read
    what is here; but its browser still tells that name as the Host.
    """
    # In process any base URL will do. A server says what software it is (RFC 3875, 4.1.17, a
    # must) and has a name of its own; whoever calls an application as a function, as httpx and
    # Werkzeug do, does not, and takes both names from the one URL.
    own, port = environ.get("SERVER_NAME", ""), environ.get("SERVER_PORT", "")
    host = str(environ.get("HTTP_HOST", own))
    called = "SERVER_SOFTWARE" not in environ and host in {own, f"{own}:{port}"}
    return called or _HOSTS.fullmatch(host) is not None


def watch(ask: Ask) -> Answer:
    """Answer ``GET /_sandbox/``: the live page."""
    if not ask.here:
        text = "This page is for the machine that it runs on: open it as 127.0.0.1 or localhost.\n"
        return Answer(text.encode(), _HEADERS, 403, "text/plain; charset=utf-8")
    # Off unless asked for: it would interrupt whoever has the page read out.
    every = ask.text("every") == "5"
    links = [
        '<a href="?">Stop refreshing</a>' if every else '<a href="?every=5">Refresh every 5 s</a>'
    ]
    if OPENAPI in ask.box.part(Seen).paths:
        links.append(f'<a href="{OPENAPI}">What the API can do ({OPENAPI})</a>')
    sections = (_reach, _budget, _requests, _accounts, _posts, _switches)
    page = _PAGE.format(
        refresh='<meta http-equiv="refresh" content="5">\n' * every,
        now=stamp(ask.box.now),
        links="\n".join(links),
        sections="\n".join(section(ask) for section in sections),
    )
    return Answer(page.encode(), _HEADERS, 200, "text/html; charset=utf-8")


def _reach(ask: Ask) -> str:
    exports = f"export {URL_NAME}={shlex.quote(ask.root)}\nexport {KEY_NAME}='paste the key here'"
    return _section(
        "reach",
        "How to reach it",
        f"<p>Base URL: <code>{_shown(ask.root)}</code></p>\n"
        f"<pre><code>{escape(exports)}</code></pre>\n"
        '<p class="quiet">The key is not shown here. <code>socialframe sandbox</code> printed it '
        "when it started; in Python it is <code>sandbox.key</code>.</p>",
    )


def _budget(ask: Ask) -> str:
    seen, switches = ask.box.part(Seen), ask.switches or Switches()
    found = seen.look()
    used = found.limit - found.remaining
    text = f"{used} of {found.limit} in the last {switches.window_seconds:g} s"
    if switches.window != "sliding":
        text = f"{used} of {found.limit} ({switches.window}, {switches.window_seconds:g} s)"
    wait = "" if found.remaining else f" The next call is let in after {found.retry_after} s."
    return _section(
        "budget",
        "Budget",
        f"<p>Tier: {_shown(seen.tier)}. Calls: {text}.{wait}</p>\n"
        f'<meter min="0" max="{found.limit}" value="{used}" aria-labelledby="budget">'
        f"{text}</meter>",
    )


def _requests(ask: Ask) -> str:
    last = [one for one in ask.box.part(RequestLog).last() if one.path not in PLACES]
    rows = [
        (
            one.moment[11:23],
            one.method,
            one.path + "?" * bool(one.query) + one.query,
            f"{one.status}" + (f", fault: {one.fault}" if one.fault else ""),
            f"{one.seconds * 1000:.1f}",
        )
        for one in reversed(last[-SHOWN_REQUESTS:])
    ]
    caption = "Newest first, without views of this page."
    heads = ("Time (UTC)", "Method", "Path and query", "Status", "Milliseconds")
    table = _table("requests", caption, heads, rows) if rows else "<p>There were none so far.</p>"
    return _section("requests", f"The last {SHOWN_REQUESTS} requests", table)


def _accounts(ask: Ask) -> str:
    health = {(one["platform"], one["accountId"]): one["health"] for one in ask.world.health}
    rows = [
        (
            one["platform"],
            one["username"],
            one["accountId"],
            health.get((one["platform"], one["accountId"]), "unknown"),
        )
        for one in ask.world.accounts
    ]
    heads = ("Platform", "Username", "Account id", "Health")
    caption = f"{len(rows)} accounts are connected."
    return _section("accounts", "Accounts", _table("accounts", caption, heads, rows))


def _posts(ask: Ask) -> str:
    places = ask.world.select()
    counts = {status: len(ask.world.select(status=status)) for status in STATUSES}
    if other := len(places) - sum(counts.values()):
        counts["any other"] = other
    newest = [ask.world.post(place) for place in places[:SHOWN_POSTS]]
    rows = [
        (
            post["id"],
            post.get("createdAt") or "",
            post["status"],
            ", ".join(target["platform"] for target in post["platforms"]),
            post.get("content") or "",
        )
        for post in newest
    ]
    numbers = ((status, f"{count:,}") for status, count in counts.items())
    heads = ("Id", "Created", "Status", "Platforms", "Text")
    return _section(
        "posts",
        "Posts",
        _table("posts", f"{len(places):,} posts by status.", ("Status", "Posts"), numbers)
        + _table("posts", f"The newest {len(rows)}.", heads, rows),
    )


def _switches(ask: Ask) -> str:
    switches = ask.switches or Switches()
    heads = ("Switch", "Is", "What it says")
    rows = {
        one.name: (one.name, str(getattr(switches, one.name)), one.metadata["help"])
        for one in fields(switches)
    }
    changed = [rows[name] for name in switches.changed()]
    table = _table("switches", "These differ from the default.", heads, changed)
    return _section(
        "switches",
        "Switches",
        "<p>What the documentation leaves open, and how this sandbox decides it.</p>\n"
        + (table if changed else "<p>All are as they are by default.</p>\n")
        + f"<details>\n<summary>All {len(rows)} switches</summary>\n"
        + _table("switches", "Every switch as it is now.", heads, rows.values())
        + "</details>",
    )


def _section(name: str, title: str, content: str) -> str:
    return (
        f'<section aria-labelledby="{name}">\n<h2 id="{name}">{title}</h2>\n{content}\n</section>'
    )


def _table(section: str, caption: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Write a table of plain texts; what is in the cells is shown, never obeyed."""
    lines = []
    for first, *others in rows:
        cells = [f"<td{_size(cell)}><bdi>{_shown(cell)}</bdi></td>" for cell in others]
        begin = f'<th scope="row"{_size(first)}><bdi>{_shown(first)}</bdi></th>'
        lines.append(f"<tr>{begin}{''.join(cells)}</tr>\n")
    top = "".join(f'<th scope="col">{head}</th>' for head in heads)
    # Whoever has no mouse must be able to scroll what is wider than the page.
    return (
        f'<div class="wide" role="group" aria-labelledby="{section}" tabindex="0">\n<table>\n'
        f"<caption>{caption}</caption>\n<thead><tr>{top}</tr></thead>\n"
        f"<tbody>\n{''.join(lines)}</tbody>\n</table>\n</div>\n"
    )


def _size(text: str) -> str:
    return ' class="long"' if len(text) > 30 else ""  # noqa: PLR2004 - what a phone has room for


def _shown(text: str) -> str:
    """Make a text that may hold anything a piece of HTML, in one line and not too long."""
    text = " ".join(text.split())
    if len(text) > SHOWN_CHARACTERS:
        text = text[: SHOWN_CHARACTERS - 1] + "…"
    return readable(text)


OPEN: Routes = {("GET", place): watch for place in PLACES}
