"""Connecting and disconnecting accounts: contract sections 5.3, 5.4 and 5.5.

``pages.consent`` has the pages between start and finish.
"""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from socialframe.sandbox.api.answers import Answer, Routes
from socialframe.sandbox.api.oauth_state import (
    CALLBACK,
    LONGEST_URL,
    PLATFORMS,
    Connectable,
    Consent,
    Grant,
    OAuthState,
    connectable_accounts,
    is_redirect_url,
)
from socialframe.sandbox.api.request import ApiError, ApiRequest, invalid
from socialframe.sandbox.json_text import Json, dumps
from socialframe.sandbox.state import State, format_time

OWNER = "own7"
"""The owner of the key, as in ``state``; always the same, so it can be guessed."""

CONSENT = "/_sandbox/consent"

_CODE_REFUSED = "code is not valid for this platform and redirect_url; start the connection again"
_TOKEN_REFUSED = "tempToken is not valid; start the connection again"  # noqa: S105 - a sentence


def start(request: ApiRequest) -> Answer:
    """Answer ``GET /v1/connect/{platform}``."""
    platform = _read_platform(request)
    named, registered = request.text("redirect_url"), request.switches.only_redirect
    # 5.4: the default is the URL that is registered in the dashboard. A sandbox has no dashboard:
    # it has the switch, or its own page that shows the callback.
    redirect = named or registered or request.root + CALLBACK
    if registered not in (None, redirect):
        raise invalid("redirect_url must be exactly the URL that is registered for this app")
    if not is_redirect_url(redirect):
        raise invalid(
            "redirect_url must be an absolute http or https URL with a host and without user name "
            f"or fragment, of at most {LONGEST_URL} characters"
        )
    consent = Consent(request.key, platform, redirect, bool(named), secrets.token_urlsafe(32))
    # The state has two guessable parts, as in the example of 5.4, so it protects nothing. The other
    # parameter keeps simultaneous connections apart.
    state = f"{OWNER}:{platform}"
    consent_id = request.state.part(OAuthState).consents.put(consent, request.state.now)
    # The real address is a dialog of the platform's; here it is a page of the sandbox.
    url = f"{request.root}{CONSENT}?{urlencode({'request': consent_id, 'state': state})}"
    return Answer(dumps({"authUrl": url, "state": state}))


def finish(request: ApiRequest) -> Answer:
    """Answer ``POST /v1/connect/{platform}``."""
    platform, body, box = _read_platform(request), request.json(), request.state
    code, redirect = _read_text(body, "code"), body.get("redirect_url")
    if not isinstance(redirect, str | None):
        raise invalid("redirect_url must be a text")

    def fits(grant: Grant) -> bool:
        # 5.5 says "the same URL as in the start step": byte for byte here. As in RFC 6749
        # 4.1.3, it may be omitted only if the start omitted it.
        consent = grant.consent
        same = redirect == consent.redirect or (redirect is None and not consent.named)
        return same and (consent.key, consent.platform) == (request.key, platform)

    # One text for every reason, so that codes cannot be guessed. A refused request leaves the code
    # valid, because the platform has not seen it.
    grant = box.part(OAuthState).codes.take(code, box.now, fits)
    if grant is None:
        raise invalid(_CODE_REFUSED)
    if request.switches.exchange_seconds:
        box.sleep(request.switches.exchange_seconds)
    if request.switches.exchange_fails:
        # The platform has seen the code, so it is used up and the client must start again.
        raise ApiError(500, "INTERNAL_ERROR", "Internal server error")
    if grant.person is None:
        # [S]: the sibling returns the next step and a token for it instead of the account.
        token = box.part(OAuthState).picks.put(grant, box.now)
        return Answer(dumps({"platform": platform, "step": "select_page", "tempToken": token}))
    return Answer(dumps(_connect(box, platform, grant.person)))


def pages(request: ApiRequest) -> Answer:
    """Answer ``GET /v1/connect/facebook/select-page``, the sibling's [S], without its profiles."""
    _check_pick(request, request.text("tempToken") or "")
    shown = [
        {"id": one.account_id, "name": one.username} for one, _ in _facebook_pages(request).values()
    ]
    return Answer(dumps({"pages": shown}))


def select_page(request: ApiRequest) -> Answer:
    """Answer ``POST /v1/connect/facebook/select-page``, the sibling's [S]."""
    body = request.json()
    token, page = _read_text(body, "tempToken"), _read_text(body, "pageId")
    _check_pick(request, token)
    if page not in _facebook_pages(request):
        raise invalid("pageId is none of the Pages of this connection")
    # Another request has already used the token.
    if request.state.part(OAuthState).picks.take(token, request.state.now) is None:
        raise invalid(_TOKEN_REFUSED)
    account = _connect(request.state, "facebook", _facebook_pages(request)[page][0])
    return Answer(dumps({"message": "Facebook Page connected", "account": account}))


def disconnect(request: ApiRequest) -> Answer:
    """Answer ``DELETE /v1/accounts/{platform}/{accountId}``; the posts of the account stay."""
    box, platform, account_id = request.state, request.path["platform"], request.path["account_id"]
    with box.lock:
        for account in box.world.accounts:
            if (account["platform"], account["accountId"]) == (platform, account_id):
                break
        else:
            raise ApiError(404, "NOT_FOUND", "Account not found")
        one = Connectable(account_id, account["username"])
        box.part(OAuthState).left.setdefault(platform, {})[account_id] = one
        box.change(lambda world: world.without_account(platform, account_id))
    if request.switches.delete_status == 204:  # noqa: PLR2004 - No Content
        return Answer(b"", status=204)
    return Answer(dumps({"message": "Account disconnected"}))


def _read_platform(request: ApiRequest) -> str:
    # 400 and not 404: 5.4 lists the five words as the values of a parameter.
    if request.path["platform"] not in PLATFORMS:
        raise invalid(f"platform must be one of: {', '.join(PLATFORMS)}")
    return request.path["platform"]


def _read_text(body: dict[str, Any], name: str) -> str:
    if not isinstance(body.get(name), str) or not body[name]:
        raise invalid(f"{name} is required and must be a text")
    text: str = body[name]
    return text


def _facebook_pages(request: ApiRequest) -> dict[str, tuple[Connectable, bool]]:
    return connectable_accounts(request.state, "facebook")


def _check_pick(request: ApiRequest, token: str) -> None:
    grant = request.state.part(OAuthState).picks.get(token, request.state.now)
    if grant is None or grant.consent.key != request.key:
        raise invalid(_TOKEN_REFUSED)


def _connect(box: State, platform: str, one: Connectable) -> Json:
    """Add the account as healthy; an account that exists keeps its id and its place."""
    who = {"platform": platform, "username": one.username, "accountId": one.account_id}
    account = {**who, "connectedAt": format_time(box.now)}
    health = {
        **who,
        "health": "healthy",
        "tokenValid": True,
        "permissions": list(PLATFORMS[platform].scopes),
        "recommendations": [],
    }
    box.change(lambda world: world.with_account(account, health))
    return account


ROUTES: Routes = {
    ("GET", "/v1/connect/<platform>"): start,
    ("POST", "/v1/connect/<platform>"): finish,
    ("GET", "/v1/connect/facebook/select-page"): pages,
    ("POST", "/v1/connect/facebook/select-page"): select_page,
    ("DELETE", "/v1/accounts/<platform>/<account_id>"): disconnect,
}
