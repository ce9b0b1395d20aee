"""The flow against an independent authorization server, oidc-provider-mock: allow and deny.

The server has a token endpoint instead of ``/v1/connect``; the tests translate between the two.
"""

import json
import warnings
from datetime import UTC, datetime
from urllib.parse import urlencode

import httpx
import pytest
from browsers import ConsoleUser, visit

import socialframe as sf
from socialframe.connect.connect import connect
from socialframe.connect.redirects import LoopbackRedirect, PastedRedirect
from socialframe.messages.call import Reply

# The provider uses deprecated parts of its own library, in a thread.
pytestmark = [pytest.mark.sockets, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture(scope="module")
def provider():
    """Serve one provider for the module."""
    with warnings.catch_warnings(record=True):
        from oidc_provider_mock import run_server_in_thread
    with run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


def send_to(provider, state):
    """Return a send function that answers API calls with the provider."""

    def send(call):
        if call.method == "GET":
            (redirect,) = (value for name, value in call.params if name == "redirect_url")
            query = {
                "response_type": "code",
                "client_id": "app",
                "scope": "openid",
                "state": state,
                "redirect_uri": redirect,
            }
            link = f"{provider}/oauth2/authorize?{urlencode(query)}"
            return reply({"authUrl": link, "state": state})
        sent = json.loads(call.body)
        form = {
            "grant_type": "authorization_code",
            "code": sent["code"],
            "redirect_uri": sent["redirect_url"],
        }
        token = httpx.post(f"{provider}/oauth2/token", data=form, auth=("app", "x")).json()
        bearer = {"Authorization": f"Bearer {token['access_token']}"}
        who = httpx.get(f"{provider}/userinfo", headers=bearer).json()["sub"]
        return reply({"platform": "oidc", "accountId": who, "username": who})

    return send


def reply(body):
    """Return a JSON reply."""
    return Reply(200, {}, json.dumps(body).encode(), datetime.now(UTC))


def submitter(fields):
    """Return a function that submits the provider's form."""
    return lambda link: submit(link, fields)


def submit(link, fields):
    """Submit the provider's form; return the URL that it redirects to."""
    with httpx.Client() as browser:
        assert "Authorize Client" in browser.get(link).text
        return browser.post(link, data=fields).headers["location"]


@pytest.mark.parametrize("redirect", [LoopbackRedirect, PastedRedirect])
def test_allow_connects_the_user_who_signed_in(provider, redirect):
    """With the receiver and with a pasted URL."""
    if redirect is PastedRedirect:
        user = ConsoleUser(typed=[submitter({"sub": "ada"})])
    else:
        user = ConsoleUser(lambda link: visit(submit(link, {"sub": "ada"})))
    with user.finishing():
        account = connect(send_to(provider, "own7:oidc"), "oidc", redirect(), user.console)

    assert account.account_id == "ada"
    assert all([one.status_code for one in answers] == [303, 200] for answers in user.seen)


@pytest.mark.parametrize("redirect", [LoopbackRedirect, PastedRedirect])
def test_deny_without_state_is_a_denial(provider, redirect):
    """A provider may omit the state then; the secret path is enough."""
    addresses = []

    def deny(link):
        addresses.append(submit(link, {"action": "deny"}))
        return visit(addresses[0]) if redirect is LoopbackRedirect else addresses[0]

    user = ConsoleUser(deny) if redirect is LoopbackRedirect else ConsoleUser(typed=[deny])
    with (
        user.finishing(),
        pytest.raises(sf.ConnectError, match="No account was connected") as raised,
    ):
        connect(send_to(provider, "own7:oidc"), "oidc", redirect(), user.console)

    assert raised.value.state == "denied"
    assert "state=" not in addresses[0]


def test_provider_echoes_the_nonce_in_the_state(provider):
    """On a registered URL. This provider accepts any URL as registered."""
    redirect = PastedRedirect(redirect_url="https://shop.example/cb")
    addresses = []

    def allow(link):
        addresses.append(submit(link, {"sub": "ada"}))
        return addresses[0]

    account = connect(
        send_to(provider, "own7:oidc"), "oidc", redirect, ConsoleUser(typed=[allow]).console
    )

    assert account.username == "ada"
    assert httpx.URL(addresses[0]).params["state"].startswith("own7:oidc.")
