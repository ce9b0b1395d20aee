"""The objects of the OpenAPI document that the contract knows from the documentation.

Objects of requests and of answers are told apart, because a field that is documented in the one
may be a guess in the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from socialframe.sandbox.openapi_fields import (
    ACCOUNT_ID,
    ANY_OBJECT,
    CODES,
    FLAG,
    MEDIA,
    MOMENT,
    PLATFORM,
    POST_ID,
    POST_STATUS,
    TARGET_STATUS,
    listed,
    marked,
    or_null,
    record,
    ref,
    text,
    word,
)
from socialframe.sandbox.openapi_guesses import GUESSES

if TYPE_CHECKING:
    from socialframe.sandbox.json_text import Json

_WHO = {"platform": PLATFORM, "accountId": ACCOUNT_ID, "username": text("Not always a handle.")}

_ACCOUNTS: Json = {
    "Account": record(marked("example", "§5.1", {**_WHO, "connectedAt": MOMENT})),
    "Accounts": record(marked("example", "§5.1", {"accounts": listed(ref("Account"))})),
    "AccountHealth": record(
        marked(
            "example",
            "§5.2",
            {
                **_WHO,
                # A third word is not shown in any sample; the sibling has "error".
                "health": word("healthy", "warning", "error"),
                "tokenValid": FLAG,
                "permissions": listed(text(), "Scopes held."),
                "recommendations": listed(text(), "For a person; empty where all is well."),
            },
        )
    ),
    "AccountsHealth": record(marked("example", "§5.2", {"accounts": listed(ref("AccountHealth"))})),
    "Deleted": record(marked("sibling", "§9.4", {"message": text()})),
    "Disconnected": record(marked("sibling", "§5.3", {"message": text()})),
    "ConnectStart": record(
        marked(
            "example",
            "§5.4",
            {
                "authUrl": text("Where to send the user's browser."),
                "state": text("Owner and platform; can be guessed.", "own7:instagram"),
            },
        )
    ),
    "ConnectFinish": record(
        marked(
            "documented",
            "§5.5",
            {
                "code": text("The `code` that came to your callback."),
                "redirect_url?": or_null(
                    text(
                        "The same as at the start, byte for byte; left out or null only where the "
                        "start left it out, too."
                    )
                ),
            },
        )
    ),
    "Connected": record(
        marked("example", "§5.5", _WHO), marked("invented", "§5.5", {"connectedAt": MOMENT})
    ),
    "SelectPageNext": record(
        marked(
            "invented",
            "§5.5",
            {
                "platform": PLATFORM,
                "step": word("select_page"),
                "tempToken": text("For `select-page`; a secret."),
            },
        ),
    ),
    "Page": record(marked("invented", "§5.5", {"id": ACCOUNT_ID, "name": text()})),
    "Pages": record(marked("invented", "§5.5", {"pages": listed(ref("Page"))})),
    "PageChoice": record(
        marked(
            "invented",
            "§5.5",
            {
                "tempToken": text("From the finish of the connection."),
                "pageId": text("", "fb_41011"),
            },
        )
    ),
    "PageChosen": record(
        marked("invented", "§5.5", {"message": text(), "account": ref("Connected")})
    ),
}

_NEW_FIELDS: Json = {
    "content?": or_null(
        text("May be left out with media, or where every target has `customContent`.", "Tea time")
    ),
    "mediaItems?": or_null(listed(ref("NewMedia"))),
    "platforms?": or_null(
        {
            **listed(ref("NewTarget"), "Needed unless the post is a draft."),
            "examples": [[{"platform": "threads", "accountId": "th_40131"}]],
        }
    ),
    "publishNow?": or_null({**FLAG, "description": "Wins over `scheduledFor`."}),
    "scheduledFor?": or_null(
        text("ISO 8601; without an offset in `timezone`.", "2026-12-20T07:00:00Z")
    ),
    "isDraft?": or_null({**FLAG, "description": "Store only; wins over `publishNow`."}),
    "timezone?": or_null(text("An IANA name; UTC where it is left out.", "Europe/Paris")),
    "tags?": or_null(listed(text())),
    "tiktokSettings?": {
        **or_null(ref("TikTokSettings")),
        "description": "Merged into every TikTok target, which needs both consents.",
    },
    "facebookSettings?": or_null(
        {**ANY_OBJECT, "description": "Merged into every Facebook target."}
    ),
}

_POSTS: Json = {
    "TikTokSettings": record(
        marked(
            "example",
            "§5.6",
            {
                "privacy_level?": text("Differs by creator.", "PUBLIC_TO_EVERYONE"),
                "allow_comment?": FLAG,
                "allow_duet?": FLAG,
                "allow_stitch?": FLAG,
                "content_preview_confirmed?": FLAG,
                "express_consent_given?": FLAG,
            },
        )
    ),
    "NewMedia": record(
        marked(
            "documented",
            "§5.6",
            {"type": MEDIA, "url": text("Of the file.", "https://cdn.example.net/hours.png")},
        )
    ),
    "NewTarget": record(
        marked(
            "example",
            "§5.6",
            {
                "platform": PLATFORM,
                "accountId": ACCOUNT_ID,
                "customContent?": or_null(text("In the place of `content`.")),
                "customMedia?": or_null(listed(ref("NewMedia"), "In the place of `mediaItems`.")),
                "platformSpecificData?": or_null(ANY_OBJECT),
            },
        )
    ),
    "NewPost": record(marked("documented", "§5.6", _NEW_FIELDS)),
    # Not documented, so neither are its fields, though they are those of `NewPost`.
    "PostChanges": record(marked("sibling", "§5.11", _NEW_FIELDS)),
    "Media": record(marked("sibling", "§9.7", {"type": MEDIA, "url": text()})),
    "Target": record(
        marked(
            "example",
            "§5.6",
            {
                "platform": PLATFORM,
                "status": TARGET_STATUS,
                "platformPostId?": text("Of a published target."),
                "platformPostUrl?": text("Of a published target."),
                "error?": text("Of a failed target, for a person."),
            },
        ),
        marked(
            "sibling",
            "§9.7",
            {
                "accountId": ACCOUNT_ID,
                "customContent?": text(),
                "customMedia?": listed(ref("Media")),
                "platformSpecificData?": ANY_OBJECT,
            },
        ),
    ),
    "Post": record(
        marked(
            "example",
            "§5.6",
            {"id": POST_ID, "status": POST_STATUS, "platforms": listed(ref("Target"))},
        ),
        marked(
            "sibling",
            "§9.7",
            {
                "content": or_null(text()),
                "mediaItems": listed(ref("Media")),
                "scheduledFor": or_null(MOMENT),
                "publishedAt": or_null(MOMENT),
                "timezone": text(),
                "tags": listed(text()),
                "createdAt": MOMENT,
                "updatedAt": MOMENT,
            },
        ),
    ),
}

_ERRORS: Json = {
    f"Error{status}": record(
        marked("documented", "§3", {"error": text("For a person."), "code": word(*codes)})
    )
    for status, codes in CODES.items()
}

SCHEMAS: Json = {**_ERRORS, **_ACCOUNTS, **_POSTS, **GUESSES}
"""Every object by its name, as it is while no switch says otherwise."""
