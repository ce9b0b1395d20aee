"""Small servers that return any response, and helpers for pages and columns."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx

from socialframe.client import Client
from socialframe.http.transport import Wiring
from socialframe.messages.call import Call, Reply
from socialframe.messages.envelope import Page, split_reply
from socialframe.paging import PageNumber
from socialframe.schema.columns import Column, Schema
from socialframe.walk.plan import Endpoint

KEY = "sk_made0up0for0the0tests0abcdef0123"


class Clock:
    """A clock that advances only by ``sleep`` and records each sleep."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def press_ctrl_c_while_held(file, work):
    """Press Ctrl-C while the work waits for a locked SQLite file; assert that it is unlocked."""
    holder = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.4, lambda: holder.execute("COMMIT"))
    interrupt = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT))
    for timer in (release, interrupt):
        timer.start()
    try:
        work()
        time.sleep(5)
    except KeyboardInterrupt:
        release.join()
        holder.execute("BEGIN IMMEDIATE")
        holder.execute("ROLLBACK")
        holder.close()
    else:
        raise AssertionError("Ctrl-C did not interrupt the work")


class Scripted:
    """A WSGI application that returns one answer after another and then repeats the last one.

    An answer is a body (200), or (status, body), or (status, body, headers), or a function of the
    request's environ that returns one of them.
    """

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.seen: list[dict[str, str]] = []

    def __call__(self, environ, start_response):
        number = len(self.seen)
        self.seen.append(
            {
                "method": environ["REQUEST_METHOD"],
                "path": environ["PATH_INFO"],
                "query": environ["QUERY_STRING"],
                "authorization": environ.get("HTTP_AUTHORIZATION", ""),
            }
        )
        answer = self.answers[min(number, len(self.answers) - 1)]
        if callable(answer):
            answer = answer(environ)
        status, body, headers = (
            (*answer, {})[:3] if isinstance(answer, tuple) else (200, answer, {})
        )
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        given = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
        start_response(f"{status} {httpx.codes.get_reason_phrase(status)}", list(given.items()))
        return [body]


def client_of(app, *, clock=None, now=time.time, key=KEY, cache=False, **options) -> Client:
    """Return a client of a WSGI application in this process; no sleep is real.

    The cache is off by default, because all applications have the same URL.
    """
    clock = clock or Clock()
    wiring = Wiring(
        transport=lambda: httpx.WSGITransport(app=app), sleep=clock.sleep, clock=clock, now=now
    )
    return Client(key, base_url="https://api.example", wiring=wiring, cache=cache, **options)


def posts_page(ids, *, page=1, pages=1, **pagination):
    """Return the body of a page of posts that have only ids."""
    return {
        "posts": [{"id": name} for name in ids],
        "pagination": {"page": page, "pages": pages, **pagination},
    }


def column(name, kind, path=None, **more) -> Column:
    """Return a column with a placeholder for its meaning."""
    return Column(name=name, path=path or name, type=kind, meaning="A made-up column.", **more)


def page_of(items, path="rows") -> Page:
    """Return a page with these records, as JSON bytes or values."""
    text = items if isinstance(items, bytes) else json.dumps(items).encode()
    return Page(Call("/v1/rows"), reply_of(b'{"rows":' + text + b"}"), {}, text, path)


def reply_of(body) -> Reply:
    """Return a reply with this body, as bytes or a JSON value."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(200, {}, body, datetime(2026, 1, 1, tzinfo=UTC))


def opened(body, path="rows", **more) -> Page:
    """Return the page of a reply with this body."""
    return split_reply(Call("/v1/rows"), reply_of(body), path, **more)


def rows_endpoint(*columns, key=(), paging=None) -> Endpoint:
    """Return an endpoint of rows."""
    return Endpoint(
        name="rows",
        path="/v1/rows",
        records="rows",
        paging=paging or PageNumber(total_pages="pages"),
        schema=Schema(columns or (column("id", "id"),), key),
    )


@contextmanager
def raw_server(*scripts):
    """Serve raw bytes on loopback: each connection gets the next script, then the last one again.

    A script is a list of bytes to send after the request, or ``None`` to close at once. Yields
    the base URL and the list of raw requests.
    """
    seen: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def serve() -> None:
        number = 0
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            script = scripts[min(number, len(scripts) - 1)]
            number += 1
            with connection:
                connection.settimeout(5)
                try:
                    seen.append(connection.recv(65536))
                    for part in script or ():
                        connection.sendall(part)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
    finally:
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)  # wakes accept, which close does not
        listener.close()
        thread.join(5)


def response(body: bytes, *, status="200 OK", headers="") -> bytes:
    """Return a complete HTTP/1.1 response that closes the connection."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    return head.encode() + body
