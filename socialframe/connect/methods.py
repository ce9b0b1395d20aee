"""``connect`` and ``disconnect``, as a client has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from socialframe.connect import requests as calls
from socialframe.errors import ArgumentError
from socialframe.settings import public_base

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.connect.connect import Choose
    from socialframe.connect.console import Console
    from socialframe.connect.requests import Account
    from socialframe.messages.call import Call, Reply


class Connecting:
    """Connects accounts and disconnects them."""

    if TYPE_CHECKING:

        def _send(self, call: Call, notify: Callable[[str], None] | None = None) -> Reply: ...

        def _forget_accounts(self) -> None: ...

    def connect(
        self,
        platform: str,
        *,
        callback: str = "auto",
        redirect_url: str | None = None,
        port: int = 0,
        timeout: float = 300.0,
        choose: Choose = None,
        console: Console | None = None,
    ) -> Account:
        """Connect an account: show a link, wait until a person has followed it, say who it was.

        Parameters
        ----------
        platform : str
            Where, as ``instagram``. The API decides what it knows.
        callback : str
            How the answer comes back. ``"loopback"``: to a port of this machine, where the browser
            has to be, too. ``"paste"``: somebody pastes an address. The notebook server's own
            address, as ``"https://hub.example/user/ada"``: through jupyter-server-proxy. ``"auto"``
            is the first and takes what is pasted as well; on a hub that tells its address in
            ``JUPYTERHUB_PUBLIC_URL``, it is the third.
        redirect_url : str or None
            The one address that is registered with the API, where it takes no other.
        port : int
            Where to listen; 0 takes a free one.
        timeout : float
            Seconds that it waits for the person.
        choose : str, callable or None
            The id of the Facebook Page that is meant, or a function that is given all of them; None
            asks, if there are several.
        console : Console or None
            How to talk with the person; None is this terminal or notebook.

        Returns
        -------
        Account
            Its ``platform``, ``account_id`` and ``username``.

        Raises
        ------
        ConnectError
            If none was connected; ``state`` says whether it was denied, expired or failed.
        ArgumentError
            If an argument is invalid.
        APIError, NetworkError, ReplyError
            If it could not begin.

        Examples
        --------
        >>> from socialframe.client import Client
        >>> Client.sandbox().connect("gopher")
        Traceback (most recent call last):
        socialframe.errors.ValidationError: GET /v1/connect/gopher: 400 platform must be one of: ...
        """
        from socialframe.connect.connect import connect
        from socialframe.connect.console import here
        from socialframe.connect.redirects import way_of

        waits: object = timeout
        if not isinstance(waits, int | float) or isinstance(waits, bool) or not waits > 0:
            raise ArgumentError(f"timeout takes a number of seconds, not {timeout!r}.")
        if console is None:
            console = here(pasting=callback == "paste")
        way = way_of(callback, redirect_url, port, public=public_base())
        pasting = callback != "loopback"
        try:
            return connect(
                self._send, platform, way, console, pasting=pasting, timeout=timeout, choose=choose
            )
        finally:
            self._forget_accounts()

    def disconnect(self, platform: str, account_id: str) -> None:
        """Remove an account's connection. Its posts stay where they are.

        Parameters
        ----------
        platform, account_id : str
            The account, as ``accounts()`` lists it.

        Raises
        ------
        APIError, NetworkError
            If the API refused, as it does where there is no such account, or no answer came.
        ArgumentError
            If one of the two is invalid.

        Examples
        --------
        >>> from socialframe.client import Client
        >>> api = Client.sandbox()
        >>> api.disconnect("tiktok", "tt_40311")
        >>> "tt_40311" in set(api.accounts("tiktok").frame()["account_id"])
        False
        """
        try:
            calls.disconnect(self._send, platform, account_id)
        finally:
            self._forget_accounts()
