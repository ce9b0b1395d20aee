"""The columns of the declared endpoints."""

from __future__ import annotations

from socialframe.schema.columns import Column, Origin


def _column(
    name: str,
    path: str,
    kind: str,
    origin: Origin,
    meaning: str,
    unit: str = "",
    *,
    fields: tuple[Column, ...] = (),
    item: str = "",
) -> Column:
    return Column(
        name=name,
        path=path,
        type=kind,
        meaning=meaning,
        unit=unit,
        origin=origin,
        fields=fields,
        item=item,
    )


_PLATFORM = _column("platform", "platform", "string", "example", "Platform, as instagram.")
_ACCOUNT = _column("account_id", "accountId", "id", "example", "Account; unique per platform.")
_USERNAME = _column("username", "username", "string", "example", "Handle or display name.")

ACCOUNTS = (
    _PLATFORM,
    _ACCOUNT,
    _USERNAME,
    _column("connected_at", "connectedAt", "timestamp", "example", "When it was connected."),
)

HEALTH = (
    _PLATFORM,
    _ACCOUNT,
    _USERNAME,
    _column("health", "health", "string", "example", "healthy, warning, or worse."),
    _column("token_valid", "tokenValid", "bool", "example", "Whether its token still works."),
    _column("permissions", "permissions", "list<string>", "example", "Scopes held.", item="scope"),
    _column(
        "recommendations", "recommendations", "list<string>", "example", "Advice.", item="advice"
    ),
)

TARGETS = (
    _PLATFORM,
    _column("account_id", "accountId", "id", "sibling", "Account that it goes to."),
    _column("status", "status", "string", "example", "published, failed, pending, publishing."),
    _column("platform_post_id", "platformPostId", "id", "example", "Its id on the platform."),
    _column("platform_post_url", "platformPostUrl", "string", "example", "Its address there."),
    _column("error", "error", "string", "example", "Why it failed."),
)

MEDIA = (
    _column("type", "type", "string", "sibling", "image, video or gif."),
    _column("url", "url", "string", "sibling", "Where the file is."),
)

POSTS = (
    _column("id", "id", "id", "example", "The post."),
    _column("status", "status", "string", "example", "draft, scheduled, published, partial, …"),
    _column("content", "content", "string", "sibling", "Its text; null for media alone."),
    _column("created_at", "createdAt", "timestamp", "sibling", "When it was made."),
    _column("scheduled_for", "scheduledFor", "timestamp", "sibling", "When it is to go out."),
    _column("published_at", "publishedAt", "timestamp", "sibling", "When it went out."),
    _column("updated_at", "updatedAt", "timestamp", "sibling", "When it last changed."),
    _column("timezone", "timezone", "string", "sibling", "IANA zone that it was planned in."),
    _column("tags", "tags", "list<string>", "sibling", "Your own labels.", item="tag"),
    _column(
        "media_items",
        "mediaItems",
        "list<struct>",
        "sibling",
        "Images and videos.",
        fields=MEDIA,
        item="media",
    ),
    _column(
        "platforms",
        "platforms",
        "list<struct>",
        "example",
        "Its targets.",
        fields=TARGETS,
        item="target",
    ),
)


def _metrics(parent: str) -> tuple[Column, ...]:
    counted = {
        "impressions": "Times shown.",
        "reach": "People who saw it.",
        "likes": "Likes.",
        "comments": "Comments.",
        "shares": "Shares.",
        "saves": "Saves.",
        "clicks": "Clicks.",
        "views": "Video views.",
    }
    return (
        *(
            _column(name, f"{parent}.{name}", "int64", "sibling", meaning, "count")
            for name, meaning in counted.items()
        ),
        _column(
            "engagement_rate",
            f"{parent}.engagementRate",
            "float64",
            "sibling",
            "Share of viewers who reacted.",
            "percent",
        ),
        _column(
            "last_updated", f"{parent}.lastUpdated", "timestamp", "sibling", "Age of the numbers."
        ),
    )


ANALYTICS = (
    _column("post_id", "id", "id", "sibling", "The post."),
    _column("published_at", "publishedAt", "timestamp", "sibling", "When it went out."),
    *_metrics("analytics"),
    _column(
        "platforms",
        "platforms",
        "list<struct>",
        "sibling",
        "The same for each target.",
        fields=(
            _column("platform", "platform", "string", "sibling", "Platform, as instagram."),
            _column("account_id", "accountId", "id", "sibling", "Account that it went to."),
            *_metrics("analytics"),
        ),
        item="target",
    ),
)

FOLLOWERS = (
    _column("account_id", "accountId", "id", "sibling", "Account; unique per platform."),
    _column("platform", "account.platform", "string", "sibling", "Platform, as instagram."),
    _column("username", "account.username", "string", "sibling", "Handle or display name."),
    _column("date", "date", "timestamp", "sibling", "The day, as its first moment (UTC)."),
    _column("followers", "followers", "int64", "sibling", "Followers on that day.", "people"),
)
