"""A loopback server of made-up posts, in its own process, faster than each of its clients.

    python benchmarks/server.py --posts 100000

Prints its port, then serves ``GET /v1/posts?page=N&limit=100`` over keep-alive connections until
its standard input ends, so it stops with the process that started it. Without ``page``, it serves
page 1.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from jobs import JOBS
from pages import KINDS, Pages

if TYPE_CHECKING:
    from collections.abc import Iterator

_END = b"\r\n\r\n"
_REQUEST = re.compile(rb"GET /v1/posts[? ]")
_PAGE = re.compile(
    rb"[?&](?:page|cursor)=(\d{1,9})[& ]"
)  # the first request may have no page number
_HEAD = (
    b"HTTP/1.1 %s\r\nContent-Type: application/json; charset=utf-8\r\n"
    b"Content-Length: %d\r\nConnection: keep-alive\r\n\r\n"
)
_SEND_BUFFER = 1 << 20  # a page fits, so no reply waits for its client


def serve(pages: Pages, latency: float) -> None:
    """Serve until standard input ends.

    Parameters
    ----------
    pages : Pages
        Pages to serve.
    latency : float
        Seconds before each reply.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        threading.Thread(target=_accept, args=(listener, pages, latency), daemon=True).start()
        print(listener.getsockname()[1], flush=True)
        sys.stdin.read()
        os._exit(0)  # clients may have open connections; nothing must be saved


def _accept(listener: socket.socket, pages: Pages, latency: float) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_answer, args=(connection, pages, latency), daemon=True).start()


def _answer(connection: socket.socket, pages: Pages, latency: float) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    held = b""
    with connection, suppress(ConnectionError):
        while True:
            while _END not in held:
                chunk = connection.recv(65_536)
                if not chunk:
                    return
                held += chunk
            request, _, held = held.partition(_END)
            if latency:
                time.sleep(latency)
            known, page = _REQUEST.match(request), _PAGE.search(request)
            body = pages.body(int(page[1]) if page else 1) if known else b'{"error":"not found"}'
            status = b"200 OK" if known else b"404 Not Found"
            connection.sendall(_HEAD % (status, len(body)) + body)


@contextmanager
def serving(posts: int, kind: str = "plain", *, latency_ms: float = 0) -> Iterator[int]:
    """Run a server in another process.

    Parameters
    ----------
    posts : int
        Number of posts.
    kind : str
        As ``Pages`` takes it.
    latency_ms : float
        Milliseconds before each reply.

    Yields
    ------
    int
        Its port on 127.0.0.1.
    """
    command = [sys.executable, str(Path(__file__).resolve()), "--posts", str(posts)]
    command += ["--latency", str(latency_ms), "--kind", kind]
    with subprocess.Popen(  # noqa: S603 - this file
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


@contextmanager
def servers(posts: dict[str, int]) -> Iterator[dict[str, int]]:
    """Run the servers of jobs; jobs with the same pages and latency share one.

    Parameters
    ----------
    posts : dict
        Number of posts of each job.

    Yields
    ------
    dict
        The port of each job.
    """
    with ExitStack() as stack:
        ports: dict[tuple[int, str, float], int] = {}
        for job, count in posts.items():
            one = (count, JOBS[job].data, JOBS[job].latency)
            if one not in ports:
                ports[one] = stack.enter_context(serving(*one[:2], latency_ms=one[2]))
        yield {job: ports[n, JOBS[job].data, JOBS[job].latency] for job, n in posts.items()}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Serve made-up posts on 127.0.0.1.")
    parser.add_argument("--posts", type=int, default=100_000, help="a multiple of 100")
    parser.add_argument("--kind", choices=KINDS, default="plain", help="what the posts are like")
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds of each reply")
    args = parser.parse_args()
    serve(Pages(args.posts, args.kind), args.latency / 1000)


if __name__ == "__main__":
    main()
