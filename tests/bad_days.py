"""Walks of our client over a sandbox with faults, and a judge of how they end.

``sh scripts/faults`` prints a table: each kind of fault with each kind of paging and output.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
import time
import traceback
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pandas as pd
from stand_ins import Clock

import socialframe as sf
from socialframe.http.transport import Wiring
from socialframe.sandbox import PAGINGS, Fault, Sandbox
from socialframe.sandbox.faults.faults import KINDS

OUTPUTS = ("frame", "pages", "to_parquet")
SWITCHES = [(paging, sign) for paging, signs in PAGINGS.items() for sign in signs]

#: 113 posts on six pages.
SPAN = {"since": "2026-09-01", "until": "2026-09-12", "per_page": 20}
TIMEOUT = 0.2  # seconds of silence until the client reports a timeout

#: Options to try for a kind of fault. Each page must get fewer new rows than it has, or the list
#: would never end. A total that is too small by whole pages looks correct.
OPTIONS = {
    "status": [{"status": 503}, {"status": 500, "body": None}, {"status": 429, "seconds": 200}],
    "insert": [{"rows": 1}, {"rows": 7}],
    "delete": [{"rows": 1}, {"rows": 20}],
    "edit": [{"rows": 20}],
    "duplicate": [{"rows": 1}, {"rows": 20}],
    "total": [{"by": 7}, {"by": -30}, {"by": -3000}],
    "refuse": [{"seconds": 0.03}],
    "truncate": [{"length": length} for length in ("right", "short", "long")],
}
PLACES = (
    {"page": 2, "times": 1},
    {"page": 3},
    {},
    {"page": 1, "times": 1},
    {"page": 6},
    {"at": (2, 3)},
    {"page": (3, 4, 5)},
    {"page": 1},
)


@dataclass
class WalkResult:
    """What a user has after a walk."""

    frames: list[pd.DataFrame] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    error: Exception | None = None
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        return [name for frame in self.frames for name in frame["id"]]

    @property
    def complete(self) -> bool | None:
        return self.frames[-1].attrs["socialframe"]["complete"]


OLD = b"the old file"


def walk(query, output) -> WalkResult:
    """Walk a query; return its rows, warnings, files and error."""
    found = WalkResult()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        path = Path(folder, "posts.parquet")
        path.write_bytes(OLD)
        try:
            if output == "frame":
                found.frames.append(query.frame())
            elif output == "pages":
                for frame in query.pages():
                    found.frames.append(frame)
            else:
                query.to_parquet(path)
                found.frames.append(sf.read_parquet(path))
        except Exception as error:  # noqa: BLE001 - the judge examines it
            found.error = error
        found.files = {file.name: file.read_bytes() for file in Path(folder).iterdir()}
    found.warnings = [f"{warning.category.__name__}: {warning.message}" for warning in caught]
    return found


def posts(api, **span) -> pd.DataFrame:
    """Return the posts, read without faults."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.WalkWarning)
        return api.posts(**span).frame()


def broken_promises(found: WalkResult, output, key):
    """Yield the broken promises that do not concern missing rows."""
    error, messages = found.error, found.warnings
    texts = "".join([*traceback.format_exception(error), *messages, repr(error)])
    if key[3:] in texts:
        yield "a text has the key"
    if not all(message.startswith("WalkWarning: ") for message in messages):
        yield f"another warning: {messages}"
    if list(found.files) != ["posts.parquet"]:
        yield f"files were left: {list(found.files)}"
    elif (found.files["posts.parquet"] == OLD) != (output != "to_parquet" or bool(error)):
        yield "the old file is replaced or missing, or was kept"
    if error and not isinstance(error, sf.IncompleteWalk if found.frames else sf.SocialFrameError):
        yield f"an unexpected error: {error!r}"
    # Each page has complete=False, because more pages may follow.
    if not error and output != "pages" and found.complete is not (None if messages else True):
        yield f"complete is {found.complete} with {messages or 'no warning'}"
    if len(set(found.ids)) < len(found.ids):
        yield "a row was returned twice"


def judge(found: WalkResult, output, key, before, now) -> str:
    """Return how a walk ended: ``complete``, ``error``, ``warning``, ``short`` or ``wrong: …``.

    Rows of both ``before``, the list at the start, and ``now`` must be returned as they are now.
    ``warning`` is complete with a warning; ``short`` has missing rows and a warning; ``wrong`` is a
    broken promise.
    """
    invented = set(found.ids) - {*before["id"], *now["id"]}
    for promise in (
        *broken_promises(found, output, key),
        *(f"{name} does not exist" for name in invented),
    ):
        return f"wrong: {promise}"
    if found.error:
        return "error"
    unchanged = now[now["id"].isin(before["id"])].set_index("id")
    rows = pd.concat(found.frames).set_index("id")
    if missing := len(unchanged.index.difference(rows.index)):
        return "short" if found.warnings else f"wrong: {missing} rows are missing without a warning"
    if not rows.loc[unchanged.index].equals(unchanged):
        return "wrong: a row is outdated"
    return "warning" if found.warnings else "complete"


def client_of(sandbox, *, url=None, clock=None, sleep=None, app=None, **options) -> sf.Client:
    """Return a client of a sandbox, served or in this process, that never really sleeps."""
    clock = clock or Clock()
    served = None if url else lambda: httpx.WSGITransport(app=app or sandbox.wsgi)
    wiring = Wiring(transport=served, clock=clock, sleep=sleep or clock.sleep)
    given = {"tier": "paid", "cache": False, **options}
    return sf.Client(sandbox.key, base_url=url or "https://sandbox.example", wiring=wiring, **given)


def cases(paging, sign, *, served):
    """Yield the faults to try with this paging and end sign."""
    for kind, facts in KINDS.items():
        if (facts.stage == "wire") == served and (not facts.needs or facts.needs(paging, sign)):
            for options in OPTIONS.get(kind, [{}]):
                for place in PLACES:
                    yield Fault(kind, **options, **place)


@cache
def original_posts(paging, sign) -> pd.DataFrame:
    """Return the posts of a new sandbox."""
    return posts(client_of(Sandbox(paging=paging, end_sign=sign), journal=False), **SPAN)


def in_process(paging, sign, fault, output) -> str:
    """Judge a walk over a new sandbox with one fault."""
    clock = Clock()
    sandbox = Sandbox(paging=paging, end_sign=sign, clock=clock, sleep=clock.sleep)
    api = client_of(sandbox, clock=clock)
    before = original_posts(paging, sign)
    sandbox.faults = [fault]
    found = walk(api.posts(**SPAN), output)
    sandbox.faults = ()
    clock.now += 600  # after any Retry-After
    now = before
    if fault.stage == "world":
        now = posts(client_of(sandbox, clock=clock, journal=False), **SPAN)
    end = judge(found, output, sandbox.key, before, now)
    return judge_resumed(end, found, api.posts(**SPAN), output, sandbox.key, before, now)


def judge_resumed(end, found, query, output, key, before, now) -> str:
    """Return how a walk ended; after an error, judge the resumed walk too, without the fault.

    If the first page failed, the query is repeated instead.
    """
    if end != "error":
        return end
    if isinstance(found.error, sf.IncompleteWalk):
        query = found.error.resume()
    again = judge(walk(query, output), output, key, before, now)
    if again == "error" and output == "pages":
        # The cursor expired after pages were returned, so the walk restarts in the next run.
        again = judge(walk(query, output), output, key, before, now)
    return end if again in {"complete", "warning"} else f"wrong: resumed after an error: {again}"


@contextlib.contextmanager
def on_loopback(paging, sign):
    """Serve a sandbox; yield a function that judges a walk with one fault."""
    clock = Clock()
    sandbox = Sandbox(paging=paging, end_sign=sign, clock=clock, sleep=clock.sleep)
    truth = original_posts(paging, sign)

    with sandbox.serve() as url:

        def sleep_until_up(seconds) -> None:
            clock.sleep(seconds)
            wait_for(url)

        def judge_walk(fault, output) -> str:
            clock.now += 600  # the rate limit no longer counts the calls before
            sandbox.faults = [fault]
            options = {"url": url, "clock": clock, "sleep": sleep_until_up, "timeout": TIMEOUT}
            with client_of(sandbox, **options) as api:
                found = walk(api.posts(**SPAN), output)
                sandbox.faults = ()
                wait_for(url)
                end = judge(found, output, sandbox.key, truth, truth)
                return judge_resumed(
                    end, found, api.posts(**SPAN), output, sandbox.key, truth, truth
                )

        yield judge_walk


def wait_for(url) -> None:
    """Wait until a server listens at the URL."""
    where = urlsplit(url)
    for _ in range(2000):
        with contextlib.suppress(OSError):
            socket.create_connection((where.hostname, where.port), timeout=5).close()
            return
        time.sleep(0.002)
    raise AssertionError(f"no server listens at {url}")


COLUMNS = ("complete", "explained", "unnoticeable", "wrong")


#: Why no client can notice a kind of fault.
UNNOTICEABLE = {
    "delete": "rows moved to an earlier page and no response has a total, so the next position "
    "(a number, an offset, in this sandbox also a cursor) skips them",
    "edit": "a row changed after it was read",
}


def unnoticeable(paging, sign, fault):
    """Return whether no client can notice the fault."""
    if fault.kind == "edit":
        return True
    counted = sign in {"pages", "total"} or paging in {"after_id", "none"}
    return fault.kind == "delete" and not counted


def is_silent(end) -> bool:
    """Return whether rows are wrong without an error or a warning."""
    return end.endswith(("are missing without a warning", "a row is outdated"))


def column(end, paging, sign, fault) -> str:
    """Return the column of a case in the table; a short frame with a warning is explained."""
    if end.startswith("wrong"):
        return "unnoticeable" if is_silent(end) and unnoticeable(paging, sign, fault) else "wrong"
    return "complete" if end == "complete" else "explained"


def judge_all(switch) -> list[tuple[str, str, str]]:
    """Judge each kind of fault at one place each, with every output, for one kind of paging."""
    paging, sign = switch
    found = []
    turn = SWITCHES.index(switch)
    with on_loopback(paging, sign) as judge_walk:
        for served in (False, True):
            for number, fault in enumerate(cases(paging, sign, served=served)):
                if number % len(PLACES) != (number // len(PLACES) + turn) % len(PLACES):
                    continue
                for output in OUTPUTS:
                    end = (
                        judge_walk(fault, output)
                        if served
                        else in_process(paging, sign, fault, output)
                    )
                    found.append((fault.kind, column(end, paging, sign, fault), f"{fault}: {end}"))
    return found


def main() -> int:
    """Print a table: for each kind of fault, how its cases ended."""
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        os.environ[name] = tempfile.mkdtemp()  # keeps the user's folders unchanged
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = [one for some in pool.map(judge_all, SWITCHES) for one in some]
    counts = pd.crosstab([one[0] for one in found], [one[1] for one in found])
    counts = counts.reindex(index=list(KINDS), columns=list(COLUMNS), fill_value=0)
    counts.loc["all"] = counts.sum()
    wrong = [text for _, where, text in found if where == "wrong"]
    why = [f"Unnoticeable, {kind}: {reason}." for kind, reason in UNNOTICEABLE.items()]
    print(counts.rename_axis(index=None, columns=None).to_string(), *why, *wrong, sep="\n")  # noqa: T201 - the output of the script
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
