"""A user with a browser, simulated with httpx."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager

import httpx

from socialframe.connect.console import Console

NAVIGATION = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}


def press(link, decision="allow", account=None):
    """Submit the sandbox's consent page; return the URL that it redirects to."""
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
    """Open a URL as a browser does; return every response, redirects included."""
    with httpx.Client(headers={**NAVIGATION, **headers}, timeout=20) as browser:
        reply = browser.get(address, follow_redirects=True)
    return [*reply.history, reply]


class ConsoleUser:
    """A user at a console: records what is printed, opens links, types lines.

    ``follow`` is called with each link in a thread, like a browser; None means no browser.
    ``typed`` are the lines to type; None means no input. ``blocks`` is that of the console.
    """

    def __init__(self, follow=None, typed=None, *, blocks=False):
        self.said, self.links, self.seen, self.links_removed = [], [], [], 0
        self.typed, self.follow, self.threads = typed, follow, []
        self.console = Console(
            say=self.said.append,
            show=self.show,
            open_browser=None if follow is None else self.open,
            read=None if typed is None else self.read,
            blocks=blocks,
        )

    @property
    def text(self):
        return "\n".join(self.said)

    def show(self, text, link):
        self.said.append(text)
        self.links.append(link)
        return self.remove_link

    def remove_link(self):
        self.links_removed += 1

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
    def finishing(self):
        """Wait for the browser at exit."""
        yield self
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()


def follow_link(decision="allow", account=None, **headers):
    """Return a browser that submits the consent page and follows the redirect."""
    return lambda link: visit(press(link, decision, account), **headers)
