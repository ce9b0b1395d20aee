"""The objects of the OpenAPI document that the contract mostly guesses: analytics and webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from socialframe.sandbox.hooks import EVENTS, TEST_EVENT
from socialframe.sandbox.openapi_fields import (
    ACCOUNT_ID,
    ANY_OBJECT,
    DAY,
    FLAG,
    MOMENT,
    NUMBER,
    PLATFORM,
    POST_ID,
    POST_STATUS,
    TARGET_STATUS,
    line,
    listed,
    marked,
    or_null,
    record,
    ref,
    text,
    whole,
    word,
)
from socialframe.sandbox.shelf import METRICS

if TYPE_CHECKING:
    from socialframe.sandbox.world import Json

_RATE: Json = or_null({**NUMBER, "description": "Percent; null without impressions."})
_METRIC_FIELDS: Json = {
    **{name: whole("0 also where the platform does not report it.") for name in METRICS},
    "engagementRate": _RATE,
    "lastUpdated": MOMENT,
}
# The sibling's page says nothing of a post of which nothing was read yet.
_SUM_FIELDS: Json = {
    **{name: or_null(whole("Null where nothing was read yet.")) for name in METRICS},
    "engagementRate": _RATE,
    "lastUpdated": or_null(MOMENT),
}

_NUMBERS: Json = {
    "Metrics": record(marked("sibling", "§9.7", _METRIC_FIELDS)),
    "MetricSums": record(marked("sibling", "§9.7", _SUM_FIELDS)),
    "MeasuredTarget": record(
        marked(
            "sibling",
            "§9.7",
            {
                "platform": PLATFORM,
                "status": TARGET_STATUS,
                "accountId": ACCOUNT_ID,
                "accountUsername": or_null(text()),
                "analytics": or_null(ref("Metrics")),
                "syncStatus": word("synced", "pending", "unavailable"),
                "platformPostUrl": or_null(text()),
                "error": or_null(text()),
            },
        )
    ),
    "MeasuredPost": record(
        marked(
            "sibling",
            "§9.7",
            {
                "id": POST_ID,
                "content": or_null(text()),
                "status": POST_STATUS,
                "scheduledFor": or_null(MOMENT),
                "publishedAt": or_null(MOMENT),
                "analytics": ref("MetricSums"),
                "platforms": listed(ref("MeasuredTarget")),
                "platform": PLATFORM,
                "platformPostUrl": or_null(text()),
                "isExternal": FLAG,
                "mediaType": word("text", "image", "video", "gif", "carousel"),
            },
        )
    ),
    "Overview": record(
        marked(
            "sibling",
            "§9.7",
            {
                "totalPosts": whole(),
                "publishedPosts": whole(),
                "scheduledPosts": whole(),
                "lastSync": MOMENT,
                "dataStaleness": ANY_OBJECT,
            },
        )
    ),
    "FollowerDay": record(marked("sibling", "§9.7", {"date": DAY, "followers": whole()})),
    "FollowerSum": record(
        marked(
            "sibling",
            "§9.7",
            {
                "id": ACCOUNT_ID,
                "platform": PLATFORM,
                "username": text(),
                "currentFollowers": whole(),
                "growth": {"type": "integer"},
                "growthPercentage": NUMBER,
                "dataPoints": whole(),
            },
        )
    ),
    "DateRange": record(marked("sibling", "§9.7", {"from": DAY, "to": DAY})),
    "FollowerStats": record(
        marked(
            "sibling",
            "§9.7",
            {
                "accounts": listed(ref("FollowerSum")),
                "stats": {
                    "type": "object",
                    "description": "Days by account.",
                    "additionalProperties": listed(ref("FollowerDay")),
                },
                "dateRange": ref("DateRange"),
                "granularity": word("daily"),
            },
        )
    ),
}

_HOOK_CHOICES: Json = {
    "name?": or_null(line(50)),
    "secret?": or_null(line(256, "Key of the signatures; one is made where it is left out.")),
    "isActive?": or_null(FLAG),
}

# Documented by the example of 5.10: two fields; all else is the sibling's.
_HOOKS: Json = {
    "NewWebhook": record(
        marked(
            "example",
            "§5.10",
            {
                "url": line(2048, "Where to send events; http or https.", "http://127.0.0.1:9/in"),
                "events": {**listed(word(*EVENTS)), "minItems": 1},
            },
        ),
        marked("sibling", "§9.6", _HOOK_CHOICES),
    ),
    "WebhookChanges": record(
        marked(
            "sibling",
            "§9.6",
            {
                "id": line(255),
                "url?": or_null(line(2048)),
                "events?": or_null({**listed(word(*EVENTS)), "minItems": 1}),
                **_HOOK_CHOICES,
            },
        )
    ),
    "Webhook": record(
        marked(
            "sibling",
            "§9.6",
            {
                "id": text(),
                "name": or_null(text()),
                "url": text(),
                "events": listed(word(*EVENTS)),
                "isActive": FLAG,
                "lastFiredAt": or_null(MOMENT),
                "failureCount": whole("Deliveries that failed in a row."),
            },
        ),
        marked(
            "invented",
            "§5.10",
            {"secret?": text("Told once, to who registered a webhook without one.")},
        ),
    ),
    "Webhooks": record(marked("sibling", "§9.6", {"webhooks": listed(ref("Webhook"))})),
    "WebhookSaved": record(marked("sibling", "§9.6", {"success": FLAG, "webhook": ref("Webhook")})),
    "WebhookRemoved": record(marked("sibling", "§9.6", {"success": FLAG})),
    "WebhookTest": record(marked("invented", "§5.10", {"webhookId": line(255)})),
    "WebhookTested": record(marked("invented", "§5.10", {"success": FLAG, "message": text()})),
    "WebhookLog": record(
        marked(
            "invented",
            "§5.10",
            {
                "id": text(),
                "webhookId": text(),
                "webhookName": or_null(text()),
                "event": word(*EVENTS, TEST_EVENT),
                "url": text(),
                "status": word("success", "failed"),
                "statusCode": or_null(whole("Of the receiver.")),
                "error": or_null(text()),
                "attemptNumber": whole(least=1),
                "createdAt": MOMENT,
            },
        )
    ),
    "WebhookLogs": record(marked("sibling", "§9.2", {"logs": listed(ref("WebhookLog"))})),
}

_ABOUT_ACCOUNT: Json = {"platform": PLATFORM, "username": text(), "accountId": ACCOUNT_ID}
_ABOUT_POST: Json = {"postId": POST_ID, "platform": PLATFORM}

# Of 5.12: an example shows the envelope, and the data of one event. An event is about one target.
EVENT_DATA: dict[str, Json] = {
    "post.published": record(
        marked(
            "example",
            "§5.12",
            {
                **_ABOUT_POST,
                "platformPostId": text(),
                "platformPostUrl": text(),
                "status": word("published"),
            },
        )
    ),
    "post.failed": record(
        marked(
            "invented",
            "§5.12",
            {**_ABOUT_POST, "status": word("failed"), "error": text("For a person.")},
        )
    ),
    "post.scheduled": record(
        marked("invented", "§5.12", {**_ABOUT_POST, "status": word("scheduled")})
    ),
    "account.connected": record(marked("invented", "§5.12", _ABOUT_ACCOUNT)),
    "account.disconnected": record(marked("invented", "§5.12", _ABOUT_ACCOUNT)),
    TEST_EVENT: record(marked("invented", "§5.12", {"message": text()})),
}
"""What each event tells, by its word."""

_EVENTS: Json = {
    f"Event.{event}": record(
        marked(
            "example" if event in EVENTS else "invented",
            "§5.12",
            {"event": word(event), "timestamp": MOMENT, "data": data},
        )
    )
    for event, data in EVENT_DATA.items()
}

GUESSES: Json = {**_NUMBERS, **_HOOKS, **_EVENTS}
"""Every object by its name."""
