"""State of connections that are under way, and the accounts that can be connected.

A connection goes through up to three stored values, each under a random token: the consent that
was requested, the code of the answer, and a token if a Page must be selected.
"""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar
from urllib.parse import quote, unquote_plus, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.sandbox.state import State

T = TypeVar("T")

CALLBACK = "/_sandbox/callback"
CONSENT_SECONDS = 600
CODE_SECONDS = 60
MOST = 1000
"""Maximum number of slips of one kind; beyond it, the oldest is deleted."""

# RFC 3986 allows no other characters. No other character may reach a Location header.
_LABEL = "[a-z0-9_][a-z0-9_-]{0,62}"
_URL = re.compile(
    rf"https?://(\[[0-9a-f:.]+\]|{_LABEL}(\.{_LABEL})*\.?)(:[0-9]{{1,5}})?"
    r"([/?][a-z0-9\-._~:/?\[\]@!$&'()*+,;=%]*)?",
    re.IGNORECASE | re.ASCII,
)
LONGEST_URL = 2000

SECRETS = frozenset({"code", "state", "request", "tempToken"})
"""Query parameters that the log must not show."""
_REDIRECT = "redirect_url"  # only its host is logged


def is_redirect_url(url: str) -> bool:
    """Return whether a browser can be redirected to a URL."""
    if len(url) > LONGEST_URL or not _URL.fullmatch(url):
        return False
    try:
        port = urlsplit(url).port
    except ValueError:  # above 65535, or an IPv6 address that is none
        return False
    return port != 0


class Connectable(NamedTuple):
    """A made-up account that can be connected."""

    account_id: str
    username: str


class Platform(NamedTuple):
    """The values of a platform on the consent page: its name, scopes and new accounts."""

    name: str
    scopes: dict[str, str]
    newcomers: tuple[Connectable, ...]


#: Contract 6.1; usernames take the form of 5.1: with @ on Twitter, a display name on Facebook.
PLATFORMS = {
    "instagram": Platform(
        "Instagram",
        {
            "instagram_basic": "see the profile and its posts",
            "instagram_content_publish": "publish posts",
            "instagram_manage_insights": "see the numbers of the posts",
        },
        (Connectable("ig_40918", "lantern.and.loom"), Connectable("ig_41004", "sipkova.cajovna")),
    ),
    "facebook": Platform(
        "Facebook",
        {
            "pages_show_list": "see which Pages there are",
            "pages_manage_posts": "publish posts on the Page",
            "pages_read_engagement": "see the numbers of the Page",
        },
        (
            Connectable("fb_40921", "Lantern & Loom <Weavers>"),
            Connectable("fb_41011", "Šípková čajovna"),
        ),
    ),
    "threads": Platform(
        "Threads",
        {"threads_basic": "see the profile", "threads_content_publish": "publish posts"},
        (Connectable("th_40933", "lantern.and.loom"), Connectable("th_41015", "sipkova.cajovna")),
    ),
    "tiktok": Platform(
        "TikTok",
        {
            "user.info.basic": "see the profile",
            "video.publish": "publish videos",
            "video.upload": "upload videos",
        },
        (Connectable("tt_40946", "lanternandloom"), Connectable("tt_41020", "sipkova.cajovna")),
    ),
    "twitter": Platform(
        "Twitter",
        {
            "tweet.read": "see the posts",
            "tweet.write": "publish posts",
            "users.read": "see the profile",
            "offline.access": "do so while you are away",
        },
        (Connectable("tw_40958", "@lanternandloom"), Connectable("tw_41027", "@sipkovacajovna")),
    ),
}


@dataclass(frozen=True, slots=True, repr=False)
class Consent:
    """A requested consent; without a repr, because it holds secrets."""

    key: str
    platform: str
    redirect: str
    named: bool
    token: str


@dataclass(frozen=True, slots=True, repr=False)
class Grant:
    """A consent that was given for an account; None if a Page must still be selected."""

    consent: Consent
    person: Connectable | None


class TokenStore(Generic[T]):
    """Values under random tokens, for a limited time and up to a limited number."""

    def __init__(self, seconds: int) -> None:
        self._life = timedelta(seconds=seconds)
        self._held: dict[str, tuple[datetime, T]] = {}
        self._lock = threading.Lock()

    def put(self, value: T, now: datetime) -> str:
        """Store a value and return its token."""
        name = secrets.token_urlsafe(32)
        with self._lock:
            self._held = {one: held for one, held in self._held.items() if now < held[0]}
            if len(self._held) >= MOST:
                del self._held[next(iter(self._held))]
            self._held[name] = now + self._life, value
        return name

    def get(self, name: str, now: datetime) -> T | None:
        """Return a value that has not expired, or None."""
        end, value = self._held.get(name, (now, None))
        return value if now < end else None

    def take(
        self, name: str, now: datetime, fits: Callable[[T], bool] = lambda _value: True
    ) -> T | None:
        """Return a value and remove it; keep a value that does not fit."""
        with self._lock:
            value = self.get(name, now)
            if value is None or not fits(value):
                return None
            del self._held[name]
            return value


class OAuthState:
    """The connections of one sandbox that are under way."""

    def __init__(self) -> None:
        self.consents: TokenStore[Consent] = TokenStore(CONSENT_SECONDS)
        self.codes: TokenStore[Grant] = TokenStore(CODE_SECONDS)
        self.picks: TokenStore[Grant] = TokenStore(CONSENT_SECONDS)
        #: Disconnected accounts by platform, which can be connected again.
        self.left: dict[str, dict[str, Connectable]] = {}


def redact_query(query: str) -> str:
    """Replace the secrets in a query string."""
    parts = (part.partition("=") for part in query.split("&"))
    return "&".join(
        name + sign + _redact_value(unquote_plus(name), value) for name, sign, value in parts
    )


def _redact_value(name: str, value: str) -> str:
    if name == _REDIRECT and is_redirect_url(url := unquote_plus(value)):
        place = urlsplit(url)
        origin = f"{place.scheme}://{place.netloc}"
        return value if url == origin else f"{quote(origin)}[withheld]"
    return "[withheld]" if value and (name in SECRETS or name == _REDIRECT) else value


def connectable_accounts(state: State, platform: str) -> dict[str, tuple[Connectable, bool]]:
    """Return the accounts of a platform by id, with whether they are connected."""
    with state.lock:
        known = {one.account_id: (one, False) for one in PLATFORMS[platform].newcomers}
        left = state.part(OAuthState).left.get(platform, {})
        known |= {account_id: (one, False) for account_id, one in left.items()}
        for account in state.world.accounts:
            if account["platform"] == platform:
                one = Connectable(account["accountId"], account["username"])
                known[one.account_id] = one, True
    return known
