"""The flow against an authorization server that nobody here wrote: allow and deny.

It speaks a token endpoint, not ``/v1/connect``: what stands between is all that is made up.
"""

import json
import warnings
from datetime import UTC, datetime
from urllib.parse import urlencode

import httpx
import pytest
from browsers import Desk, visit

import socialframe as sf
from socialframe.connect.connect import connect
from socialframe.connect.redirects import Loopback, Pasted
from socialframe.messages.call import Reply

# The provider warns of itself, from a thread: it uses what its own library will drop.
pytestmark = [pytest.mark.sockets, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture(scope="module")
def provider():
    """Serve one for the module."""
    with warnings.catch_warnings(record=True):
        from oidc_provider_mock import run_server_in_thread
    with run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


def api_before(provider, state):
    """Return what sends calls to an API whose platform is the provider."""

    def send(call):
        if call.method == "GET":
            (redirect,) = (value for name, value in call.params if name == "redirect_url")
            asked = {
                "response_type": "code",
                "client_id": "app",
                "scope": "openid",
                "state": state,
                "redirect_uri": redirect,
            }
            link = f"{provider}/oauth2/authorize?{urlencode(asked)}"
            return answer({"authUrl": link, "state": state})
        sent = json.loads(call.body)
        form = {
            "grant_type": "authorization_code",
            "code": sent["code"],
            "redirect_uri": sent["redirect_url"],
        }
        token = httpx.post(f"{provider}/oauth2/token", data=form, auth=("app", "x")).json()
        bearer = {"Authorization": f"Bearer {token['access_token']}"}
        who = httpx.get(f"{provider}/userinfo", headers=bearer).json()["sub"]
        return answer({"platform": "oidc", "accountId": who, "username": who})

    return send


def answer(body):
    """Return a reply."""
    return Reply(200, {}, json.dumps(body).encode(), datetime.now(UTC))


def pressing(fields):
    """Return somebody who fills in the provider's form."""
    return lambda link: sent_to(link, fields)


def sent_to(link, fields):
    """Return where the provider sends the browser."""
    with httpx.Client() as browser:
        assert "Authorize Client" in browser.get(link).text
        return browser.post(link, data=fields).headers["location"]


@pytest.mark.parametrize("way", [Loopback, Pasted])
def test_allow_connects_who_signed_in(provider, way):
    """By the receiver and by paste."""
    if way is Pasted:
        desk = Desk(typed=[pressing({"sub": "ada"})])
    else:
        desk = Desk(lambda link: visit(sent_to(link, {"sub": "ada"})))
    with desk.leaving():
        account = connect(api_before(provider, "own7:oidc"), "oidc", way(), desk.console)

    assert account.account_id == "ada"
    assert all([one.status_code for one in answers] == [303, 200] for answers in desk.seen)


@pytest.mark.parametrize("way", [Loopback, Pasted])
def test_deny_without_state_is_a_denial(provider, way):
    """A provider may leave the state out then; the secret path is enough."""
    addresses = []

    def deny(link):
        addresses.append(sent_to(link, {"action": "deny"}))
        return visit(addresses[0]) if way is Loopback else addresses[0]

    desk = Desk(deny) if way is Loopback else Desk(typed=[deny])
    with desk.leaving(), pytest.raises(sf.ConnectError, match="Nothing was connected") as raised:
        connect(api_before(provider, "own7:oidc"), "oidc", way(), desk.console)

    assert raised.value.state == "denied"
    assert "state=" not in addresses[0]


def test_at_a_registered_address_the_provider_echoes_our_nonce(provider):
    """Behind the state, as any provider hands it back; it registers nothing, so any address is."""
    way = Pasted(redirect_url="https://shop.example/cb")
    addresses = []

    def allow(link):
        addresses.append(sent_to(link, {"sub": "ada"}))
        return addresses[0]

    account = connect(api_before(provider, "own7:oidc"), "oidc", way, Desk(typed=[allow]).console)

    assert account.username == "ada"
    assert httpx.URL(addresses[0]).params["state"].startswith("own7:oidc.")
