"""The pages that a person sees while connecting an account: plain HTML, no scripts, no key.

They stand where the platform's own dialog is (contract 5.4 and 5.5). The platform is a name on
them, nothing more: nobody should take them for the real thing.
"""

from __future__ import annotations

from hmac import compare_digest
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from socialframe.sandbox.api.connect import CONSENT, OWNER, choices
from socialframe.sandbox.api.oauth_state import CALLBACK, PLATFORMS, Flows, Grant, people
from socialframe.sandbox.pages.html import page, readable

if TYPE_CHECKING:
    from socialframe.sandbox.api.answers import Answer, Routes
    from socialframe.sandbox.api.oauth_state import Consent
    from socialframe.sandbox.api.request import Ask

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
<p>Either way you go back to <code>{origin}</code>.</p>
<button type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny">Deny</button>
</form>"""


def ask_for_consent(ask: Ask) -> Answer:
    """Answer ``GET /_sandbox/consent``: the page with Allow and Deny."""
    consent = ask.box.part(Flows).consents.get(ask.args.get("request", ""), ask.box.now)
    if consent is None:
        return _over()
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
        legend="Which Page?" if _may_wait(ask, consent) else "Which made-up account?",
        people="\n".join(_choices(ask, consent)),
        # Without its path: that may hold a secret of the app.
        origin=escape(f"{place.scheme}://{place.netloc}"),
    )
    return _page(f"Connect {platform.name}", content)


def decide(ask: Ask) -> Answer:
    """Answer ``POST /_sandbox/consent``: what the two buttons do."""
    flows, now, request = ask.box.part(Flows), ask.box.now, ask.args.get("request", "")
    consent = flows.consents.get(request, now)
    if consent is None:
        return _over()
    fields = dict(parse_qsl(ask.body.decode(errors="replace"), keep_blank_values=True))
    # A forged form leaves the page as it is: else anybody could end what somebody else began.
    if not compare_digest(fields.get("token", "").encode(), consent.token.encode()):
        return _wrong("This answer did not come from the page that asked.")
    decision, account = fields.get("decision"), fields.get("account", "")
    known = people(ask.box, consent.platform)
    if decision not in {"allow", "deny"}:
        return _wrong("Choose Allow or Deny.")
    if decision == "allow" and account not in known and (account or not _may_wait(ask, consent)):
        return _wrong("Choose one of the accounts.")
    if flows.consents.take(request, now) is None:
        return _over()
    # The state of the address that the browser came by, as any OAuth 2.0 provider echoes it: an
    # app may have put something of its own behind it.
    state = ask.text("state")
    switches = choices(ask)
    if decision == "deny":
        told = {"error": "access_denied"}
        echoed = switches.deny_state
    else:
        person = known[account][0] if account else None
        told = {"code": flows.codes.put(Grant(consent, person), now)}
        echoed = switches.echo_state
    if echoed and state:
        told["state"] = state
    sign = "&" if urlsplit(consent.redirect).query else "?"
    target = consent.redirect.removesuffix("?") + sign + urlencode(told)
    answer = _page("Going back to your app", "", 303)
    return answer._replace(headers=(*answer.headers, ("Location", target)))


def show_callback(ask: Ask) -> Answer:
    """Answer ``GET /_sandbox/callback``: what came, for whoever has no callback of their own."""
    told = [(name, ask.text(name)) for name in ("code", "state", "error")]
    came = [f"<dt>{name}</dt>\n<dd>{readable(value)}</dd>" for name, value in told if value]
    if not came:
        return _wrong("A callback comes with a code or an error; nothing of the kind came here.")
    text = "<p>This is what the platform would send to your callback:</p>"
    if ask.text("code"):
        after = (
            "<p>Send the code with your key to <code>POST /v1/connect/</code> and the platform, "
            'as <code>{"code": "…"}</code>, within a minute; it is good for once.</p>'
        )
    else:
        after = "<p>So no account was connected.</p>"
    return _page("Back from the consent page", "\n".join((text, "<dl>", *came, "</dl>", after)))


def _may_wait(ask: Ask, consent: Consent) -> bool:
    return consent.platform == "facebook" and choices(ask).page_selection


def _choices(ask: Ask, consent: Consent) -> list[str]:
    """Make the radio buttons: newcomers, then whoever can come back, then the connected."""
    known = sorted(people(ask.box, consent.platform).values(), key=lambda one: one[1])
    found = [
        (one.account_id, f"<bdi>{escape(one.username)}</bdi>" + ", to reconnect" * connected)
        for one, connected in known
    ]
    if _may_wait(ask, consent):
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


def _over() -> Answer:
    text = "It was answered already, or nobody answered it in time. Start again in your app."
    return _page("This consent page is over", f"<p>{text}</p>", 410)


def _wrong(text: str) -> Answer:
    return _page("That did not work", f"<p>{escape(text)}</p>", 400)


OPEN: Routes = {
    ("GET", CONSENT): ask_for_consent,
    ("POST", CONSENT): decide,
    ("GET", CALLBACK): show_callback,
}
