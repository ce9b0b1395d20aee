"""The values that the parts of a panel share, without widgets."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypedDict

from socialframe.errors import ArgumentError
from socialframe.panel.request import LoadRequest, Profile

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from socialframe.client import Client
    from socialframe.query import Query


class ConnectOptions(TypedDict):
    """The arguments of ``Client.connect`` that the user of a panel can set."""

    callback: str
    redirect_url: str | None
    port: int
    timeout: float


class PanelState:
    """The client, the connected accounts and the loaded rows, with callbacks for changes."""

    def __init__(self, connect_options: ConnectOptions) -> None:
        self.connect_options = connect_options
        self.api: Client | None = None
        self.accounts: pd.DataFrame | None = None
        self.profiles: list[Profile] = []
        self.df: pd.DataFrame | None = None
        self.query: Query | None = None
        self.request = LoadRequest()
        self.on_accounts: list[Callable[[], None]] = []
        self.on_rows: list[Callable[[], None]] = []
        self._lock = threading.RLock()  # the parts work in threads

    @property
    def client(self) -> Client:
        """The client, or an ArgumentError if there is no key yet."""
        if self.api is None:
            raise ArgumentError("There is no API key yet. The panel shows how to pass one.")
        return self.api

    @property
    def is_sandbox(self) -> bool:
        """Whether the data is made up."""
        return self.api is not None and self.api._sandbox is not None

    def set_accounts(self, accounts: pd.DataFrame, profiles: list[Profile]) -> None:
        """Store the connected accounts and update the parts."""
        with self._lock:
            self.accounts, self.profiles = accounts, profiles
            for update in self.on_accounts:
                update()

    def set_rows(self, frame: pd.DataFrame, query: Query, request: LoadRequest) -> None:
        """Store loaded rows and update the parts."""
        with self._lock:
            self.df, self.query, self.request = frame, query, request
            for update in self.on_rows:
                update()
