"""The panel itself: the card, its header, and the four parts."""

from __future__ import annotations

import weakref
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from socialframe.client import Client
from socialframe.errors import ArgumentError, SocialFrameError
from socialframe.panel import styles
from socialframe.panel.accounts import Accounts
from socialframe.panel.export import Export, python_code
from socialframe.panel.load import Load
from socialframe.panel.state import ConnectOptions, PanelState
from socialframe.panel.view import View
from socialframe.panel.wording import Status, counted, describe_rows, error_status

if TYPE_CHECKING:
    import pandas as pd

    from socialframe.query import Query

_open_panels: weakref.WeakSet[Panel] = weakref.WeakSet()


class Panel:
    """A card in a notebook that connects accounts, loads rows, shows and exports them.

    Everything in it is also possible in code, and the panel shows that code. A new panel stops the
    running connection and load of older panels, so a cell can be run again.

    Parameters
    ----------
    api : Client or None
        The client to use. None creates one with the key that is found; without a key the panel
        offers a sandbox.
    callback, redirect_url, port, timeout
        As for ``Client.connect``, if the defaults do not work here, for example on a hub.

    Attributes
    ----------
    api : Client or None
        The client; None without a key.
    accounts : pandas.DataFrame or None
        The connected accounts.
    df : pandas.DataFrame or None
        The rows that were loaded last.
    query : Query or None
        The query of ``df``.
    widget : ipywidgets.VBox
        The card.

    Raises
    ------
    ArgumentError
        If ``api`` is not a client.

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
            raise ArgumentError(f"api must be a Client, as in sf.Panel(sf.Client()); got {api!r}.")
        for older in list(_open_panels):
            older.close()
        options = ConnectOptions(
            callback=callback, redirect_url=redirect_url, port=port, timeout=timeout
        )
        self._state = state = PanelState(options)
        self._header, self._key_status = w.HTML(), w.HTML()
        self._accounts, self._load = Accounts(state), Load(state)
        self._view, self._export = View(state), Export(state)
        self._style = styles.style_widget()
        self.widget = w.VBox([self._style, self._header, self._key_section()])
        self.widget.add_class(styles.CSS_CLASS)
        _open_panels.add(self)
        if api is None:
            self._find_key()
        else:
            self.use(api)

    @property
    def api(self) -> Client | None:
        """The client; None without a key."""
        return self._state.api

    @property
    def accounts(self) -> pd.DataFrame | None:
        """The connected accounts, as of the last request."""
        return self._state.accounts

    @property
    def df(self) -> pd.DataFrame | None:
        """The rows that were loaded last."""
        return self._state.df

    @property
    def query(self) -> Query | None:
        """The query of ``df``."""
        return self._state.query

    def use(self, api: Client) -> None:
        """Use this client from now on, and request its accounts."""
        self._state.api = api
        self._load.discard_stopped()
        sandbox = self._state.is_sandbox
        self._header.value = styles.header("" if sandbox else api.base_url, sandbox=sandbox)
        parts = (self._accounts, self._load, self._view, self._export)
        self.widget.children = [self._style, self._header, *(part.box for part in parts)]
        self._load.show_cost()
        self._export.show_code()
        self._accounts.refresh()

    def wait(self, seconds: float = 60.0) -> bool:
        """Wait until no task is running; return False after a timeout."""
        return all(part.task.wait(seconds) for part in (self._accounts, self._load, self._export))

    def close(self) -> None:
        """Stop a running connection and a running load. Loaded rows stay."""
        self._accounts.cancel()
        self._load.stop()

    def __repr__(self) -> str:
        if self.api is None:
            return "<Panel without a key>"
        name = "the sandbox" if self._state.is_sandbox else self.api.base_url
        rows = "nothing loaded" if self.df is None else f"{counted(len(self.df), 'row')} loaded"
        return f"<Panel of {name}: {counted(len(self._state.profiles), 'account')}, {rows}>"

    def _repr_html_(self) -> str:
        """Return a static summary and the code, for front ends that show no widgets."""
        state = self._state
        name = "a sandbox with made-up people" if state.is_sandbox else "the SocialSyncer API"
        accounts = ", ".join(f"{escape(p.name)} ({escape(p.platform)})" for p in state.profiles)
        rows = "No rows are loaded."
        if state.df is not None:
            metadata = state.df.attrs.get("socialframe", {})
            rows = f"Loaded: {describe_rows(*state.df.shape, metadata)}."
        code = python_code(state.request, sandbox=state.is_sandbox)
        return (
            f"<p><b>socialframe</b>, on {name}. This is a copy of the panel at the time it was "
            "shown. Its buttons need a running kernel and ipywidgets.</p><p>Connected: "
            f"{accounts or 'unknown'}.<br>{escape(rows)} The same without the panel:</p>"
            f"<pre>{escape(code)}</pre>"
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        bundle: dict[str, Any] = self.widget._repr_mimebundle_() or {}
        return {**bundle, "text/plain": repr(self), "text/html": self._repr_html_()}

    def _find_key(self) -> None:
        """Search for a key as ``Client()`` does; show the error if there is none."""
        try:
            api = Client()
        except SocialFrameError as error:
            self._header.value = styles.header("no key yet", sandbox=False)
            self._key_status.value = styles.status_line(Status("warn", error_status(error).text))
        else:
            self.use(api)

    def _key_section(self) -> w.VBox:
        """Return the widgets that are shown without a key."""
        sandbox = w.Button(description="Try the sandbox", button_style="primary")
        again = w.Button(description="Search for the key again")
        sandbox.on_click(lambda _: self.use(Client.sandbox()))
        again.on_click(lambda _: self._find_key())
        about = w.HTML(
            '<span class="sf-soft">The sandbox is the same API with made-up people. It needs no '
            "key and no network.</span>"
        )
        return styles.section(self._key_status, about, styles.row(sandbox, again))
