"""The panel: what it knows, as plain attributes, and its parts."""

from __future__ import annotations

import threading
import weakref
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from socialframe.client import Client
from socialframe.errors import ArgumentError, SocialFrameError
from socialframe.panel import styles
from socialframe.panel.accounts import Accounts
from socialframe.panel.code import code
from socialframe.panel.export import Export
from socialframe.panel.load import Load
from socialframe.panel.request import Wish
from socialframe.panel.view import Look
from socialframe.panel.wording import Status, counted, failed, summary

if TYPE_CHECKING:
    import pandas as pd

    from socialframe.panel.request import Profile
    from socialframe.query import Query

_live: weakref.WeakSet[Panel] = weakref.WeakSet()


class Panel:
    """One card in a notebook: connect accounts, load rows, look at them, export them.

    Everything that it does is a plain function, and its code can be copied. A new panel ends what
    an older one is at, an attempt to connect or a load, so a cell may be run again.

    Parameters
    ----------
    api : Client or None
        None makes one of the key that is found; without a key it offers a sandbox.
    callback, redirect_url, port, timeout
        As for ``Client.connect``, where the defaults do not reach this machine: on a hub, say.

    Attributes
    ----------
    api : Client or None
        What is asked; None while there is no key.
    accounts : pandas.DataFrame or None
        Who is connected, when that was last asked.
    df : pandas.DataFrame or None
        The rows that were loaded last.
    query : Query or None
        Where they came from.

    Raises
    ------
    ArgumentError
        If ``api`` is no client.

    Examples
    --------
    >>> import socialframe as sf
    >>> panel = sf.Panel(sf.Client.sandbox())
    >>> panel.wait()
    True
    >>> panel
    <Panel of the sandbox: 17 accounts, nothing loaded>
    >>> panel.close()
    """

    def __init__(
        self,
        api: Client | None = None,
        *,
        callback: str = "auto",
        redirect_url: str | None = None,
        port: int = 0,
        timeout: float = 300.0,
    ) -> None:
        if not isinstance(api, Client | None):
            raise ArgumentError(f"Panel takes a Client, as sf.Panel(sf.Client()), not {api!r}.")
        for older in list(_live):
            older.close()
        self.api: Client | None = None
        self.accounts: pd.DataFrame | None = None
        self.df: pd.DataFrame | None = None
        self.query: Query | None = None
        self.connecting: dict[str, Any] = {
            "callback": callback,
            "redirect_url": redirect_url,
            "port": port,
            "timeout": timeout,
        }
        self.profiles: list[Profile] = []
        self.wish = Wish()
        self._lock = threading.RLock()
        self._head, self._no_key = w.HTML(), w.HTML()
        self._accounts, self._load = Accounts(self), Load(self)
        self._look, self._export = Look(self), Export(self)
        self._parts = (self._accounts, self._load, self._look, self._export)
        self.widget = w.VBox([styles.style(), self._head, self._offer()])
        self.widget.add_class(styles.NAME)
        _live.add(self)
        if api is None:
            self.find_key()
        else:
            self.use(api)

    @property
    def client(self) -> Client:
        """What is asked.

        Raises
        ------
        ArgumentError
            If there is no key yet.
        """
        if self.api is None:
            raise ArgumentError("There is no key yet; the panel says how to give one.")
        return self.api

    @property
    def made_up(self) -> bool:
        """Whether all of it is made up: the sandbox answers."""
        return self.api is not None and self.api._sandbox is not None

    def use(self, api: Client) -> None:
        """Ask this client from now on, and begin with who is connected."""
        self.api = api
        self._load.forget()
        where = "" if self.made_up else api.base_url
        self._head.value = styles.head(where, made_up=self.made_up)
        self.widget.children = [self.widget.children[0], self._head, *self._boxes()]
        self._load.price()
        self._export.write()
        self._accounts.refresh()

    def find_key(self) -> None:
        """Look for a key, as ``Client()`` does; where there is none, say so."""
        try:
            api = Client()
        except SocialFrameError as error:
            self._head.value = styles.head("no key yet", made_up=False)
            self._no_key.value = styles.status(Status("warn", failed(error).text))
        else:
            self.use(api)

    def use_sandbox(self) -> None:
        """Ask a sandbox: made-up people, no key, no network."""
        self.use(Client.sandbox())

    def known(self, accounts: pd.DataFrame, profiles: list[Profile]) -> None:
        """Take who is connected."""
        with self._lock:
            self.accounts, self.profiles = accounts, profiles
            self._accounts.draw()
            self._load.draw()

    def loaded(self, frame: pd.DataFrame, query: Query, wish: Wish) -> None:
        """Take rows."""
        with self._lock:
            self.df, self.query, self.wish = frame, query, wish
            self._look.draw()
            self._export.draw()

    def wait(self, seconds: float = 60.0) -> bool:
        """Wait until nothing is at work; say whether that is so."""
        return all(part.work.wait(seconds) for part in (self._accounts, self._load, self._export))

    def close(self) -> None:
        """End an attempt to connect, and a load; what is loaded stays."""
        self._accounts.cancel()
        self._load.stop()

    def __repr__(self) -> str:
        if self.api is None:
            return "<Panel without a key>"
        of = "the sandbox" if self.made_up else self.api.base_url
        rows = "nothing loaded" if self.df is None else f"{counted(len(self.df), 'row')} loaded"
        return f"<Panel of {of}: {counted(len(self.profiles), 'account')}, {rows}>"

    def _repr_html_(self) -> str:
        """Return what is known now and the code to run, for where no widgets are shown."""
        of = "a sandbox: made-up people" if self.made_up else "the SocialSyncer API"
        names = ", ".join(f"{escape(one.name)} ({escape(one.platform)})" for one in self.profiles)
        rows = "Nothing is loaded."
        if self.df is not None:
            rows = f"Loaded: {summary(*self.df.shape, self.df.attrs.get('socialframe', {}))}."
        text = code(self.wish, made_up=self.made_up)
        return (
            f"<p><b>socialframe</b>, on {of}. This is how the panel stood when it was shown; its "
            "buttons need a running kernel and ipywidgets.</p><p>Connected: "
            f"{names or 'not known'}.<br>{escape(rows)} The same without the panel:</p>"
            f"<pre>{escape(text)}</pre>"
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        shown: dict[str, Any] = self.widget._repr_mimebundle_() or {}
        return {**shown, "text/plain": repr(self), "text/html": self._repr_html_()}

    def _boxes(self) -> list[Any]:
        return [part.box for part in self._parts]

    def _offer(self) -> w.VBox:
        """Return what is shown while there is no key."""
        sandbox = w.Button(description="Try the sandbox", button_style="primary")
        again = w.Button(description="Look for the key again")
        sandbox.on_click(lambda _: self.use_sandbox())
        again.on_click(lambda _: self.find_key())
        about = w.HTML(
            '<span class="sf-soft">The sandbox is the same API with made-up people: it needs no '
            "key and no network, and nothing in it can break.</span>"
        )
        return styles.part(self._no_key, about, styles.row(sandbox, again))
