"""A walk of our own client over a sandbox that misbehaves, and what is to be said of its end.

``sh scripts/faults`` prints a table: each kind of fault by each way of paging and out of a query.
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

WAYS = ("frame", "pages", "to_parquet")
SWITCHES = [(paging, sign) for paging, signs in PAGINGS.items() for sign in signs]

#: 113 posts on six pages.
SPAN = {"since": "2026-09-01", "until": "2026-09-12", "per_page": 20}
LATE = 0.2  # seconds of silence that the client takes for a time-out

#: What is tried of each kind, where it is more than the kind alone. New rows on every page must be
#: fewer than its rows: a list that grows faster than it is read has no end. And a total that is too
#: small by whole pages, on each of them, looks like a right one.
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
class Walked:
    """What a user has after a walk."""

    frames: list[pd.DataFrame] = field(default_factory=list)
    words: list[str] = field(default_factory=list)  # of warnings
    error: Exception | None = None
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        return [name for frame in self.frames for name in frame["id"]]

    @property
    def complete(self) -> bool | None:
        return self.frames[-1].attrs["socialframe"]["complete"]


OLD = b"the file of yesterday"


def walk(query, way) -> Walked:
    """Walk a query; any exception and any warning is a part of the result."""
    found = Walked()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        path = Path(folder, "posts.parquet")
        path.write_bytes(OLD)
        try:
            if way == "frame":
                found.frames.append(query.frame())
            elif way == "pages":
                for frame in query.pages():
                    found.frames.append(frame)
            else:
                query.to_parquet(path)
                found.frames.append(sf.read_parquet(path))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is judged
            found.error = error
        found.files = {file.name: file.read_bytes() for file in Path(folder).iterdir()}
    found.words = [f"{warning.category.__name__}: {warning.message}" for warning in heard]
    return found


def posts(api, **span) -> pd.DataFrame:
    """Give the posts as they are when nothing goes wrong."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.WalkWarning)
        return api.posts(**span).frame()


def complaints(found: Walked, way, key):
    """Yield what is wrong whatever the rows are."""
    error, words = found.error, found.words
    texts = "".join([*traceback.format_exception(error), *words, repr(error)])
    if key[3:] in texts:
        yield "the key stands in a text"
    if not all(word.startswith("WalkWarning: ") for word in words):
        yield f"another warning: {words}"
    if list(found.files) != ["posts.parquet"]:
        yield f"files were left: {list(found.files)}"
    elif (found.files["posts.parquet"] == OLD) != (way != "to_parquet" or bool(error)):
        yield "the old file is gone, or still there"
    if error and not isinstance(error, sf.IncompleteWalk if found.frames else sf.SocialFrameError):
        yield f"another error than is promised: {error!r}"
    # Pages tell what has come so far, which is never all.
    if not error and way != "pages" and found.complete is not (None if words else True):
        yield f"complete is {found.complete} with {words or 'no warning'}"
    if len(set(found.ids)) < len(found.ids):
        yield "a row came twice"


def judged(found: Walked, way, key, before, now) -> str:
    """Say how a walk ended: ``whole``, ``error``, whole with a ``word``, ``short`` with one.

    Parameters
    ----------
    found : Walked
        What a user has.
    way, key : str
        How it was walked, with which key.
    before, now : pandas.DataFrame
        The list before the walk and after it. What stands in both has to come, as it is now.

    Returns
    -------
    str
        Or ``wrong: …``: a promise that does not hold.
    """
    strange = set(found.ids) - {*before["id"], *now["id"]}
    for complaint in (*complaints(found, way, key), *(f"{name} never was" for name in strange)):
        return f"wrong: {complaint}"
    if found.error:
        return "error"
    lasting = now[now["id"].isin(before["id"])].set_index("id")
    rows = pd.concat(found.frames).set_index("id")
    if missing := len(lasting.index.difference(rows.index)):
        return "short" if found.words else f"wrong: {missing} rows are missing without a word"
    if not rows.loc[lasting.index].equals(lasting):
        return "wrong: a row is not as it is now"
    return "word" if found.words else "whole"


def client_of(box, *, url=None, clock=None, sleep=None, app=None, **options) -> sf.Client:
    """Return a client of a sandbox, served or in this process, that never sleeps for real."""
    clock = clock or Clock()
    served = None if url else lambda: httpx.WSGITransport(app=app or box.wsgi)
    wiring = Wiring(transport=served, clock=clock, sleep=sleep or clock.sleep)
    given = {"tier": "paid", "cache": False, **options}
    return sf.Client(box.key, base_url=url or "https://sandbox.example", wiring=wiring, **given)


def cases(paging, sign, *, served):
    """Yield what is tried of each kind that means something with a way of paging."""
    for kind, says in KINDS.items():
        if (says.stage == "wire") == served and (not says.needs or says.needs(paging, sign)):
            for options in OPTIONS.get(kind, [{}]):
                for place in PLACES:
                    yield Fault(kind, **options, **place)


def in_process(paging, sign, fault, way) -> str:
    """Judge a walk over a new sandbox with one fault."""
    clock = Clock()
    box = Sandbox(paging=paging, end_sign=sign, clock=clock, sleep=clock.sleep)
    api = client_of(box, clock=clock)
    asking = client_of(box, clock=clock, journal=False)
    before = posts(asking, **SPAN)
    box.faults = [fault]
    found = walk(api.posts(**SPAN), way)
    box.faults = ()
    clock.now += 600  # whatever the API asked to wait for is over
    now = posts(asking, **SPAN)
    end = judged(found, way, box.key, before, now)
    return gone_on(end, found, api.posts(**SPAN), way, box.key, before, now)


def gone_on(end, found, query, way, key, before, now) -> str:
    """Say how a walk ended, and look what comes of an error once the fault is gone.

    By ``resume()``, or run again where the first page had failed: every row, once.
    """
    if end != "error":
        return end
    if isinstance(found.error, sf.IncompleteWalk):
        query = found.error.resume()
    again = judged(walk(query, way), way, key, before, now)
    if again == "error" and way == "pages":
        # The API no longer knew the place, and pages had been handed on: the next run starts anew.
        again = judged(walk(query, way), way, key, before, now)
    return end if again in {"whole", "word"} else f"wrong: going on after an error: {again}"


@contextlib.contextmanager
def on_loopback(paging, sign):
    """Serve a sandbox; yield a function that judges a walk over it with one fault."""
    clock = Clock()
    box = Sandbox(paging=paging, end_sign=sign, clock=clock, sleep=clock.sleep)
    truth = posts(client_of(box, clock=clock), **SPAN)

    with box.serve() as url:

        def until_up(seconds) -> None:
            clock.sleep(seconds)
            wait_for(url)

        def judge(fault, way) -> str:
            clock.now += 600  # the calls before count no more
            box.faults = [fault]
            options = {"url": url, "clock": clock, "sleep": until_up, "timeout": LATE}
            with client_of(box, **options) as api:
                found = walk(api.posts(**SPAN), way)
                box.faults = ()
                wait_for(url)
                end = judged(found, way, box.key, truth, truth)
                return gone_on(end, found, api.posts(**SPAN), way, box.key, truth, truth)

        yield judge


def wait_for(url) -> None:
    """Return when somebody listens there."""
    where = urlsplit(url)
    for _ in range(2000):
        with contextlib.suppress(OSError):
            socket.create_connection((where.hostname, where.port), timeout=5).close()
            return
        time.sleep(0.002)
    raise AssertionError(f"nobody listens at {url}")


COLUMNS = ("whole", "explained", "cannot be seen", "wrong")


#: What no client could see, by the kind of fault: only rows that it has not got know of it.
UNSEEN = {
    "delete": "rows moved up over the edge of a page and no reply counts them, so that a position "
    "(a number, an offset, in this sandbox a cursor too) leads past them",
    "edit": "a row changed after it was read",
}


def unseen(paging, sign, fault):
    """Say whether no client could see what happens."""
    if fault.kind == "edit":
        return True
    counted = sign in {"pages", "total"} or paging in {"after_id", "none"}
    return fault.kind == "delete" and not counted


def silent(end) -> bool:
    """Say whether an end is that of a wrong frame without a word."""
    return end.endswith(("are missing without a word", "a row is not as it is now"))


def column(end, paging, sign, fault) -> str:
    """Return where a case stands in the table; a short frame with a word is explained, too."""
    if end.startswith("wrong"):
        return "cannot be seen" if silent(end) and unseen(paging, sign, fault) else "wrong"
    return "whole" if end == "whole" else "explained"


def ends(switch) -> list[tuple[str, str, str]]:
    """Walk one way of paging by each kind of fault, at one place each, and out by each way."""
    paging, sign = switch
    found = []
    turn = SWITCHES.index(switch)
    with on_loopback(paging, sign) as judge:
        for served in (False, True):
            for number, fault in enumerate(cases(paging, sign, served=served)):
                if number % len(PLACES) != (number // len(PLACES) + turn) % len(PLACES):
                    continue
                for way in WAYS:
                    end = judge(fault, way) if served else in_process(paging, sign, fault, way)
                    found.append((fault.kind, column(end, paging, sign, fault), f"{fault}: {end}"))
    return found


def main() -> int:
    """Print a table: for each kind of fault, how many of its cases ended how."""
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        os.environ[name] = tempfile.mkdtemp()  # nothing of the user's is touched
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = [one for some in pool.map(ends, SWITCHES) for one in some]
    counts = pd.crosstab([one[0] for one in found], [one[1] for one in found])
    counts = counts.reindex(index=list(KINDS), columns=list(COLUMNS), fill_value=0)
    counts.loc["all"] = counts.sum()
    wrong = [text for _, where, text in found if where == "wrong"]
    why = [f"Cannot be seen, {kind}: {reason}." for kind, reason in UNSEEN.items()]
    print(counts.rename_axis(index=None, columns=None).to_string(), *why, *wrong, sep="\n")  # noqa: T201 - for people
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
