"""A person with a browser, played by plain httpx."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager

import httpx

from socialframe.connect.console import Console

NAVIGATION = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}


def press(link, decision="allow", account=None):
    """Answer the sandbox's consent page; return where it sends the browser."""
    with httpx.Client(headers=NAVIGATION) as browser:
        text = browser.get(link).text
        accounts = re.findall(r'name="account" value="([^"]*)"', text)
        fields = {
            "token": re.search(r'name="token" value="([^"]+)"', text)[1],
            "account": accounts[0] if account is None else account,
            "decision": decision,
        }
        reply = browser.post(link, data=fields)
        assert reply.status_code == 303, reply.text
        return reply.headers["location"]


def visit(address, **headers):
    """Follow an address to its end, as a browser does; return every answer on the way."""
    with httpx.Client(headers={**NAVIGATION, **headers}, timeout=20) as browser:
        reply = browser.get(address, follow_redirects=True)
    return [*reply.history, reply]


class Desk:
    """Somebody at a console: hears what is said, follows links, types lines.

    Parameters
    ----------
    follow : callable or None
        Called with each link in a thread of its own, as a browser that was opened; None where no
        browser is. What it returns is typed.
    typed : list of str or None
        Lines that are typed one after the other; None where nobody can type.
    blocks : bool
        Whether reading waits for a line, however long.
    """

    def __init__(self, follow=None, typed=None, *, blocks=False):
        self.said, self.links, self.seen, self.gone = [], [], [], 0
        self.typed, self.follow, self.threads = typed, follow, []
        self.console = Console(
            say=self.said.append,
            show=self.show,
            opens=None if follow is None else self.open,
            read=None if typed is None else self.read,
            blocks=blocks,
        )

    @property
    def text(self):
        return "\n".join(self.said)

    def show(self, text, link):
        self.said.append(text)
        self.links.append(link)
        return self.forget

    def forget(self):
        self.gone += 1

    def open(self, link):
        thread = threading.Thread(target=lambda: self.seen.append(self.follow(link)))
        thread.start()
        self.threads.append(thread)
        return True

    def read(self, _):
        line = self.typed.pop(0) if self.typed else None
        if line is EOFError:
            raise EOFError
        return line(self.links[-1]) if callable(line) else line

    @contextmanager
    def leaving(self):
        """Wait for the browser at the end."""
        yield self
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()


def answering(decision="allow", account=None, **headers):
    """Return somebody who presses a button and lets the browser go where it is sent."""
    return lambda link: visit(press(link, decision, account), **headers)
