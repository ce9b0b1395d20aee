"""The objects of the OpenAPI document that the contract mostly guesses: analytics."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    listed,
    marked,
    or_null,
    record,
    ref,
    text,
    whole,
    word,
)
from socialframe.sandbox.world.posts_index import METRICS

if TYPE_CHECKING:
    from socialframe.sandbox.json_text import Json

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

GUESSES: Json = _NUMBERS
"""Every object by its name."""
