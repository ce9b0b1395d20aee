"""Helpers for tests of the cache: a server whose rows number the walks."""

from __future__ import annotations

import sqlite3
from urllib.parse import parse_qsl

from stand_ins import Scripted, posts_page


def server(pages=3):
    """Return a server whose row ids start with the number of requests for page 1 so far."""
    served = []

    def answer(environ):
        page = int(dict(parse_qsl(environ["QUERY_STRING"])).get("page", 1))
        if page == 1:
            served.append(1)
        return posts_page([f"{len(served)}-{page}-{n}" for n in range(3)], page=page, pages=pages)

    return Scripted(answer)


def sources(frame):
    """Return the numbers of replies from the cache and from the network."""
    facts = frame.attrs["socialframe"]
    return facts["from_cache"], facts["from_network"]


def rows(file):
    """Return the number of entries in a file, pages and walks."""
    if not file.exists():
        return 0
    connection = sqlite3.connect(file)
    try:
        return connection.execute("SELECT count(*) FROM responses").fetchone()[0]
    finally:
        connection.close()
