"""``connect`` and ``disconnect`` of a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.connect.connect import Choose
    from socialframe.connect.console import Console
    from socialframe.connect.requests import Account
    from socialframe.messages.call import Call, Reply


class Connecting:
    """Connects and disconnects accounts."""

    if TYPE_CHECKING:
        cache: Any  # these three are the client's
        _unfinished: Any

        def send(self, call: Call, notify: Callable[[str], None] | None = None) -> Reply:
            """Send one call."""

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
        """Connect an account: show the consent link and wait until the user has followed it.

        Parameters
        ----------
        platform : str
            The platform, such as ``instagram``. The API decides which ones exist.
        callback : str
            How the OAuth callback reaches this process. ``"loopback"`` listens on a port of this
            machine, where the browser must run too. ``"paste"`` lets the user paste its URL. The
            notebook server's public URL, such as ``"https://hub.example/user/ada"``, uses
            jupyter-server-proxy. ``"auto"`` is ``"loopback"`` and accepts a pasted URL as well; on
            a hub that sets ``JUPYTERHUB_PUBLIC_URL``, it uses that URL.
        redirect_url : str or None
            The redirect URL that is registered with the API, if the API accepts no other.
        port : int
            The port to listen on; 0 takes a free one.
        timeout : float
            Seconds to wait for the user.
        choose : str, callable or None
            The id of the Facebook Page to connect, or a function that receives all Pages and
            returns one; None asks the user if there are several.
        console : Console or None
            How to communicate with the user; None uses this terminal or notebook.

        Returns
        -------
        Account
            Its ``platform``, ``account_id`` and ``username``.

        Raises
        ------
        ConnectError
            If no account was connected; ``state`` is ``denied``, ``expired``, ``cancelled`` or
            ``failed``.
        ArgumentError
            If an argument is invalid.
        APIError, NetworkError, ReplyError
            If the consent link could not be requested.

        Examples
        --------
        >>> from socialframe.client import Client
        >>> Client.sandbox().connect("gopher")
        Traceback (most recent call last):
        socialframe.errors.ValidationError: GET /v1/connect/gopher: 400 platform must be one of: ...
        """
        from socialframe.connect.connect import connect_account

        try:
            return connect_account(
                self.send,
                platform,
                callback=callback,
                redirect_url=redirect_url,
                port=port,
                timeout=timeout,
                choose=choose,
                console=console,
            )
        finally:
            self._forget_accounts()

    def disconnect(self, platform: str, account_id: str) -> None:
        """Remove the connection of an account. Its posts stay.

        Parameters
        ----------
        platform, account_id : str
            The account, as ``accounts()`` lists it.

        Raises
        ------
        APIError, NetworkError
            If the API refuses, for example because the account does not exist, or does not answer.
        ArgumentError
            If an argument is invalid.

        Examples
        --------
        >>> from socialframe.client import Client
        >>> api = Client.sandbox()
        >>> api.disconnect("tiktok", "tt_40311")
        >>> "tt_40311" in set(api.accounts("tiktok").frame()["account_id"])
        False
        """
        from socialframe.connect.requests import disconnect

        try:
            disconnect(self.send, platform, account_id)
        finally:
            self._forget_accounts()

    def _forget_accounts(self) -> None:
        """Request accounts and health again at the next call, even after a failure."""
        for endpoint in ("accounts", "health") if self.cache is not None else ():
            self.cache.clear(endpoint=endpoint)
        if self._unfinished is not None:
            self._unfinished.forget("accounts", "health")
