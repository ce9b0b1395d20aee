"""What a flow asks the API: contract 5.3, 5.4, 5.5, and the sibling's choice of a Page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus, urlsplit

from socialframe.errors import ArgumentError, ReplyError
from socialframe.messages.call import SecretCall
from socialframe.messages.envelope import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.messages.call import Call, Reply

    Send = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Account:
    """An account that was connected, as the API tells it."""

    platform: str
    account_id: str
    username: str

    def __str__(self) -> str:
        return f"{self.username or self.account_id} ({self.platform}, {self.account_id})"


@dataclass(frozen=True, slots=True)
class Option:
    """One of the Facebook Pages that a connection may mean."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, repr=False)
class Started:
    """Where to send the browser, and what the callback will carry; without a repr, as a secret."""

    link: str
    state: str

    def bound(self, nonce: str) -> Started:
        """Put the nonce behind the state, in the link too: then nobody can guess it.

        Raises
        ------
        ReplyError
            If the link holds more than one state.

        Examples
        --------
        >>> Started("https://a.example/?state=own7%3Atiktok&b=1", "own7:tiktok").bound("n").link
        'https://a.example/?state=own7%3Atiktok.n&b=1'
        """
        link, sharp, fragment = self.link.partition("#")
        address, _, query = link.partition("?")
        parts = [part for part in query.split("&") if part]
        at = [i for i, part in enumerate(parts) if unquote_plus(part.partition("=")[0]) == "state"]
        if not at:  # then nothing but the nonce comes back
            query = "&".join([*parts, f"state={nonce}"])
            return Started(f"{address}?{query}{sharp}{fragment}", nonce)
        if len(at) > 1:
            raise ReplyError("The API's authUrl has more than one state; it cannot be followed.")
        state = unquote_plus(parts[at[0]].partition("=")[2])
        parts[at[0]] += f".{nonce}"
        return Started(f"{address}?{'&'.join(parts)}{sharp}{fragment}", f"{state}.{nonce}")


@dataclass(frozen=True, slots=True, repr=False)
class Pick:
    """A connection that waits for the choice of a Page; without a repr, as the token is secret."""

    token: str
    options: tuple[Option, ...]


def start(send: Send, platform: str, redirect: str | None) -> Started:
    """Ask for the link that the person follows.

    Raises
    ------
    ReplyError
        If the answer has none.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from socialframe.messages.call import Reply
    >>> body = b'{"authUrl": "https://a.example/", "state": "own7:tiktok"}'
    >>> start(lambda call: Reply(200, {}, body, datetime.now(UTC)), "tiktok", None).state
    'own7:tiktok'
    """
    path = f"/v1/connect/{part('platform', platform)}"
    body = _body(send(SecretCall.of(path, {"redirect_url": redirect})))
    link, state = body.get("authUrl"), body.get("state")
    if not isinstance(link, str) or not _is_web(link):
        raise ReplyError(f"The reply to GET {path} has no authUrl that a browser can open.")
    return Started(link, state if isinstance(state, str) else "")


def finish(send: Send, platform: str, code: str, redirect: str | None) -> Account | Pick:
    """Exchange the code; where the API asks for a Page, also ask which there are.

    Raises
    ------
    ReplyError
        If the answer names no account.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from socialframe.messages.call import Reply
    >>> body = b'{"platform": "tiktok", "accountId": "tt_1", "username": "lantern"}'
    >>> finish(lambda call: Reply(200, {}, body, datetime.now(UTC)), "tiktok", "of nobody", None)
    Account(platform='tiktok', account_id='tt_1', username='lantern')
    """
    path = f"/v1/connect/{part('platform', platform)}"
    sent = {"code": code} | ({"redirect_url": redirect} if redirect else {})
    body = _body(send(_post(path, sent)))
    token = body.get("tempToken")
    if not isinstance(token, str) or not token:
        return _account(platform, body)
    # [S]: the sibling's step between consent and account, as contract 5.5 has it.
    found = _body(send(SecretCall.of(f"{path}/select-page", {"tempToken": token}))).get("pages")
    options = tuple(
        Option(str(one["id"]), str(one.get("name", "")))
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, dict) and one.get("id")
    )
    if not options:
        raise ReplyError(f"{platform} asks which Page is meant, and lists none.")
    return Pick(token, options)


def pick(send: Send, platform: str, token: str, chosen: str) -> Account:
    """Say which Page is meant.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from socialframe.messages.call import Reply
    >>> body = b'{"account": {"platform": "facebook", "accountId": "fb_1", "username": "Loom"}}'
    >>> pick(lambda call: Reply(200, {}, body, datetime.now(UTC)), "facebook", "t", "fb_1")
    Account(platform='facebook', account_id='fb_1', username='Loom')
    """
    path = f"/v1/connect/{part('platform', platform)}/select-page"
    return _account(platform, _body(send(_post(path, {"tempToken": token, "pageId": chosen}))))


def disconnect(send: Send, platform: str, account_id: str) -> None:
    """Remove a connection.

    Raises
    ------
    ArgumentError
        If one of the two cannot be part of a path.

    Examples
    --------
    >>> disconnect(print, "tiktok", "tt_1")
    <DELETE /v1/accounts/tiktok/tt_1>
    """
    path = f"/v1/accounts/{part('platform', platform)}/{part('account_id', account_id)}"
    send(SecretCall(path, method="DELETE"))


def part(name: str, value: object) -> str:
    """Return what may stand between two slashes of a path; the API decides whether it knows it.

    Raises
    ------
    ArgumentError
        If it would lead to another path.

    Examples
    --------
    >>> part("platform", "gopher")
    'gopher'
    """
    if (
        not isinstance(value, str)
        or not value.strip(".")
        or "/" in value
        or not value.isprintable()
    ):
        raise ArgumentError(f"{name} takes a text without a slash, not {value!r}.")
    return value


def _post(path: str, body: dict[str, str]) -> SecretCall:
    return SecretCall(path, method="POST", body=json.dumps(body, separators=(",", ":")).encode())


def _body(reply: Reply) -> dict[str, Any]:
    try:
        body = parse(reply.body)
    except ReplyError:  # it shows how the reply begins, which may be a secret
        body = None
    if isinstance(body, dict):
        return body
    raise ReplyError(f"The reply ({reply.status}) is no JSON object.")


def _account(platform: str, body: dict[str, Any]) -> Account:
    inner = body.get("account")
    who = inner if isinstance(inner, dict) else body
    account_id = who.get("accountId")
    if not isinstance(account_id, str) or not account_id:
        raise ReplyError("The reply names no account.")
    return Account(str(who.get("platform") or platform), account_id, str(who.get("username") or ""))


def _is_web(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    # Whoever shows the link puts it into a terminal or a page: nothing but visible letters.
    visible = link.isprintable() and not set(link) & set(" \"'<>\\`")
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and visible
