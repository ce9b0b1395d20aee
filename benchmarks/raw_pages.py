"""Reads the pages of the server over one socket, without an HTTP library.

    python benchmarks/raw_pages.py --port 8000 --pages 1000

Prints pages a second: no method that fetches one page after the other can be faster.
"""

from __future__ import annotations

import argparse
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_pages(port: int, pages: int) -> Iterator[memoryview]:
    """Yield each page's body."""
    buffer = bytearray(1 << 12)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(1, pages + 1):
            connection.sendall(
                b"GET /v1/posts?page=%d&limit=100 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % number
            )
            got = connection.recv_into(buffer)
            head, _, start = bytes(buffer[:got]).partition(b"\r\n\r\n")
            length = int(head.rpartition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            body = bytearray(length)
            body[: len(start)] = start
            view, got = memoryview(body), len(start)
            while got < length:
                got += connection.recv_into(view[got:])
            yield view


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Read pages over a socket.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pages", type=int, required=True)
    asked = parser.parse_args()
    began = time.perf_counter()
    size = sum(len(body) for body in read_pages(asked.port, asked.pages))
    assert size
    print(asked.pages / (time.perf_counter() - began))


if __name__ == "__main__":
    main()
