"""The API requests of a flow: link, code exchange, choice of a Facebook Page, disconnect."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from socialframe.errors import ArgumentError, ReplyError
from socialframe.messages.call import Call, Reply, SecretCall
from socialframe.messages.envelope import parse

Send = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Account:
    """A connected account; ``username`` is empty if the API gives none."""

    platform: str
    account_id: str
    username: str

    def __str__(self) -> str:
        return f"{self.username or self.account_id} ({self.platform}, {self.account_id})"


@dataclass(frozen=True, slots=True)
class PageOption:
    """A Facebook Page that the user can choose."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, repr=False)
class PageChoice:
    """A connection that needs the choice of a Page. It has no repr because the token is secret."""

    token: str
    options: tuple[PageOption, ...]


@dataclass(frozen=True, slots=True, repr=False)
class ConsentLink:
    """The URL of the consent page, and the state of its callback. It has no repr: it is secret."""

    url: str
    state: str

    def with_nonce(self, nonce: str) -> ConsentLink:
        """Append the nonce to the state, in the URL too, so that the state cannot be guessed."""
        link, hash_sign, fragment = self.url.partition("#")
        address, _, query = link.partition("?")
        parts = [part for part in query.split("&") if part]
        at = [i for i, part in enumerate(parts) if unquote_plus(part.partition("=")[0]) == "state"]
        if not at:  # then the nonce alone is the state
            query = "&".join([*parts, f"state={nonce}"])
            return ConsentLink(f"{address}?{query}{hash_sign}{fragment}", nonce)
        if len(at) > 1:
            raise ReplyError("The API's authUrl has more than one state, so it cannot be used.")
        state = unquote_plus(parts[at[0]].partition("=")[2])
        parts[at[0]] += f".{nonce}"
        url = f"{address}?{'&'.join(parts)}{hash_sign}{fragment}"
        return ConsentLink(url, f"{state}.{nonce}")


def request_link(send: Send, platform: str, redirect_url: str | None) -> ConsentLink:
    path = f"/v1/connect/{path_segment('platform', platform)}"
    body = _json_object(send(SecretCall.of(path, {"redirect_url": redirect_url})))
    url, state = body.get("authUrl"), body.get("state")
    if not isinstance(url, str) or not _is_web_url(url):
        raise ReplyError(f"The response to GET {path} has no valid authUrl.")
    return ConsentLink(url, state if isinstance(state, str) else "")


def exchange_code(
    send: Send, platform: str, code: str, redirect_url: str | None
) -> Account | PageChoice:
    """Exchange the code; request the list of Pages if the API needs a choice."""
    path = f"/v1/connect/{path_segment('platform', platform)}"
    sent = {"code": code} | ({"redirect_url": redirect_url} if redirect_url else {})
    body = _json_object(send(_post(path, sent)))
    token = body.get("tempToken")
    if not isinstance(token, str) or not token:
        return _account(platform, body)
    # [S]: the sibling API's step between consent and account, as in contract 5.5.
    pages = _json_object(send(SecretCall.of(f"{path}/select-page", {"tempToken": token}))).get(
        "pages"
    )
    options = tuple(
        PageOption(str(page["id"]), str(page.get("name", "")))
        for page in (pages if isinstance(pages, list) else ())
        if isinstance(page, dict) and page.get("id")
    )
    if not options:
        raise ReplyError(f"{platform} needs the choice of a Page but lists none.")
    return PageChoice(token, options)


def choose_page(send: Send, platform: str, token: str, page_id: str) -> Account:
    path = f"/v1/connect/{path_segment('platform', platform)}/select-page"
    return _account(
        platform, _json_object(send(_post(path, {"tempToken": token, "pageId": page_id})))
    )


def disconnect(send: Send, platform: str, account_id: str) -> None:
    segments = path_segment("platform", platform), path_segment("account_id", account_id)
    send(SecretCall("/v1/accounts/" + "/".join(segments), method="DELETE"))


def path_segment(name: str, value: object) -> str:
    """Return the value if it is one segment of a path. The API decides whether it exists."""
    if (
        not isinstance(value, str)
        or not value.strip(".")
        or "/" in value
        or not value.isprintable()
    ):
        raise ArgumentError(f"{name} must be a string without a slash; got {value!r}.")
    return value


def _post(path: str, body: dict[str, str]) -> SecretCall:
    return SecretCall(path, method="POST", body=json.dumps(body, separators=(",", ":")).encode())


def _json_object(reply: Reply) -> dict[str, Any]:
    try:
        body = parse(reply.body)
    except ReplyError:  # its text shows the start of the body, which may be secret
        body = None
    if isinstance(body, dict):
        return body
    raise ReplyError(f"The response ({reply.status}) is not a JSON object.")


def _account(platform: str, body: dict[str, Any]) -> Account:
    inner = body.get("account")
    fields = inner if isinstance(inner, dict) else body
    account_id = fields.get("accountId")
    if not isinstance(account_id, str) or not account_id:
        raise ReplyError("The response has no accountId.")
    username = str(fields.get("username") or "")
    return Account(str(fields.get("platform") or platform), account_id, username)


def _is_web_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    # The URL is shown in terminals and pages, so it must hold no control or markup characters.
    safe = url.isprintable() and not set(url) & set(" \"'<>\\`")
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and safe
