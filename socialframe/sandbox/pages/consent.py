"""The consent pages: plain HTML, no scripts, no key.

They stand in for the platform's own dialog (contract 5.4 and 5.5) and say that they are made-up.
"""

from __future__ import annotations

from hmac import compare_digest
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from socialframe.sandbox.api.connect import CONSENT, OWNER
from socialframe.sandbox.api.oauth_state import (
    CALLBACK,
    PLATFORMS,
    Consent,
    Grant,
    OAuthState,
    connectable_accounts,
)
from socialframe.sandbox.pages.html import page, readable

if TYPE_CHECKING:
    from socialframe.sandbox.api.answers import Answer, Routes
    from socialframe.sandbox.api.request import ApiRequest

_FORM = """<p>The app that holds a key of <strong>{owner}</strong> asks for one of your accounts on
{platform}. It wants to:</p>
<ul>
{scopes}
</ul>
<form method="post">
<input type="hidden" name="token" value="{token}">
<fieldset>
<legend>{legend}</legend>
{people}
</fieldset>
<p>Afterwards, you return to <code>{origin}</code>.</p>
<button type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny">Deny</button>
</form>"""


def ask_for_consent(request: ApiRequest) -> Answer:
    """Answer ``GET /_sandbox/consent``: the page with Allow and Deny."""
    consent = request.state.part(OAuthState).consents.get(
        request.args.get("request", ""), request.state.now
    )
    if consent is None:
        return _expired_page()
    platform = PLATFORMS[consent.platform]
    scopes = (
        f"<li>{escape(words)} (<code>{escape(scope)}</code>)</li>"
        for scope, words in platform.scopes.items()
    )
    place = urlsplit(consent.redirect)
    content = _FORM.format(
        owner=escape(OWNER),
        platform=escape(platform.name),
        scopes="\n".join(scopes),
        token=escape(consent.token),
        legend="Which Page?" if _can_choose_later(request, consent) else "Which made-up account?",
        people="\n".join(_account_options(request, consent)),
        # Without its path: that may hold a secret of the app.
        origin=escape(f"{place.scheme}://{place.netloc}"),
    )
    return _page(f"Connect {platform.name}", content)


def decide(request: ApiRequest) -> Answer:
    """Answer ``POST /_sandbox/consent``: Allow and Deny."""
    flows, now = request.state.part(OAuthState), request.state.now
    consent_id = request.args.get("request", "")
    consent = flows.consents.get(consent_id, now)
    if consent is None:
        return _expired_page()
    fields = dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
    # A forged form does not end the consent.
    if not compare_digest(fields.get("token", "").encode(), consent.token.encode()):
        return _error_page("This form was not sent from its consent page.")
    decision, account = fields.get("decision"), fields.get("account", "")
    known = connectable_accounts(request.state, consent.platform)
    if decision not in {"allow", "deny"}:
        return _error_page("Choose Allow or Deny.")
    if (
        decision == "allow"
        and account not in known
        and (account or not _can_choose_later(request, consent))
    ):
        return _error_page("Choose one of the accounts.")
    if flows.consents.take(consent_id, now) is None:
        return _expired_page()
    # The state in the browser's URL, as OAuth 2.0 providers echo it: an app may have changed it.
    state = request.text("state")
    switches = request.switches
    if decision == "deny":
        query = {"error": "access_denied"}
        echoed = switches.deny_state
    else:
        person = known[account][0] if account else None
        query = {"code": flows.codes.put(Grant(consent, person), now)}
        echoed = switches.echo_state
    if echoed and state:
        query["state"] = state
    sign = "&" if urlsplit(consent.redirect).query else "?"
    target = consent.redirect.removesuffix("?") + sign + urlencode(query)
    answer = _page("Going back to your app", "", 303)
    return answer._replace(headers=(*answer.headers, ("Location", target)))


def show_callback(request: ApiRequest) -> Answer:
    """Answer ``GET /_sandbox/callback``: show code and state to users without a callback."""
    values = [(name, request.text(name)) for name in ("code", "state", "error")]
    came = [f"<dt>{name}</dt>\n<dd>{readable(value)}</dd>" for name, value in values if value]
    if not came:
        return _error_page("This callback has neither a code nor an error.")
    text = "<p>This is what the platform would send to your callback:</p>"
    if request.text("code"):
        after = (
            "<p>Send the code with your key to <code>POST /v1/connect/</code> and the platform, "
            'as <code>{"code": "…"}</code>, within a minute. It can be used once.</p>'
        )
    else:
        after = "<p>So no account was connected.</p>"
    return _page("Back from the consent page", "\n".join((text, "<dl>", *came, "</dl>", after)))


def _can_choose_later(request: ApiRequest, consent: Consent) -> bool:
    return consent.platform == "facebook" and request.switches.page_selection


def _account_options(request: ApiRequest, consent: Consent) -> list[str]:
    """Return the radio buttons: new accounts, disconnected ones, connected ones."""
    known = sorted(
        connectable_accounts(request.state, consent.platform).values(), key=lambda one: one[1]
    )
    found = [
        (one.account_id, f"<bdi>{escape(one.username)}</bdi>" + ", to reconnect" * connected)
        for one, connected in known
    ]
    if _can_choose_later(request, consent):
        found.insert(0, ("", "The app shall ask me which"))
    return [
        f'<label><input type="radio" name="account" value="{escape(value)}"'
        f"{' checked' * (at == 0)}> {label}</label>"
        for at, (value, label) in enumerate(found)
    ]


def _page(title: str, content: str, status: int = 200) -> Answer:
    # Browsers apply form-action to every redirect after a form, and the callback decides where
    # the browser goes next. So the policy can only say: to a web address.
    return page(title, content, forms="http: https:", status=status)


def _expired_page() -> Answer:
    text = "It was already answered, or it expired. Start again in your app."
    return _page("This consent page is over", f"<p>{text}</p>", 410)


def _error_page(text: str) -> Answer:
    return _page("That did not work", f"<p>{escape(text)}</p>", 400)


OPEN: Routes = {
    ("GET", CONSENT): ask_for_consent,
    ("POST", CONSENT): decide,
    ("GET", CALLBACK): show_callback,
}
