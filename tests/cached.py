"""What the tests of the cache have in common: a server whose rows tell when they came."""

from __future__ import annotations

import sqlite3
from urllib.parse import parse_qsl

from stand_ins import Scripted, posts_page


def server(pages=3):
    """Return a server of some pages that names each answer anew: which rows came tells when."""
    served = []

    def answer(environ):
        page = int(dict(parse_qsl(environ["QUERY_STRING"])).get("page", 1))
        if page == 1:
            served.append(1)
        return posts_page([f"{len(served)}-{page}-{n}" for n in range(3)], page=page, pages=pages)

    return Scripted(answer)


def sources(frame):
    """Return how many replies came from the cache and from the network."""
    facts = frame.attrs["socialframe"]
    return facts["from_cache"], facts["from_network"]


def rows(file):
    """Return how many entries a file has: pages and walks."""
    if not file.exists():
        return 0
    connection = sqlite3.connect(file)
    try:
        return connection.execute("SELECT count(*) FROM responses").fetchone()[0]
    finally:
        connection.close()
