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


_PLATFORM = _column("platform", "platform", "string", "example", "Platform, such as instagram.")
_ACCOUNT = _column("account_id", "accountId", "id", "example", "Account; unique per platform.")
_USERNAME = _column("username", "username", "string", "example", "Handle or display name.")

ACCOUNTS = (
    _PLATFORM,
    _ACCOUNT,
    _USERNAME,
    _column("connected_at", "connectedAt", "timestamp", "example", "Time of connection."),
)

HEALTH = (
    _PLATFORM,
    _ACCOUNT,
    _USERNAME,
    _column("health", "health", "string", "example", "healthy, warning, or worse."),
    _column("token_valid", "tokenValid", "bool", "example", "Whether the token is valid."),
    _column(
        "permissions",
        "permissions",
        "list<string>",
        "example",
        "Scopes of the token.",
        item="scope",
    ),
    _column(
        "recommendations", "recommendations", "list<string>", "example", "Advice.", item="advice"
    ),
)

TARGETS = (
    _PLATFORM,
    _column("account_id", "accountId", "id", "sibling", "Account of the target."),
    _column("status", "status", "string", "example", "published, failed, pending, publishing."),
    _column("platform_post_id", "platformPostId", "id", "example", "Id on the platform."),
    _column("platform_post_url", "platformPostUrl", "string", "example", "URL on the platform."),
    _column("error", "error", "string", "example", "Reason of a failure."),
)

MEDIA = (
    _column("type", "type", "string", "sibling", "image, video or gif."),
    _column("url", "url", "string", "sibling", "URL of the file."),
)

POSTS = (
    _column("id", "id", "id", "example", "Id of the post."),
    _column("status", "status", "string", "example", "draft, scheduled, published, partial, …"),
    _column("content", "content", "string", "sibling", "Text; null if the post has media only."),
    _column("created_at", "createdAt", "timestamp", "sibling", "Time of creation."),
    _column(
        "scheduled_for", "scheduledFor", "timestamp", "sibling", "Planned time of publication."
    ),
    _column("published_at", "publishedAt", "timestamp", "sibling", "Time of publication."),
    _column("updated_at", "updatedAt", "timestamp", "sibling", "Time of the last change."),
    _column("timezone", "timezone", "string", "sibling", "IANA time zone of the plan."),
    _column("tags", "tags", "list<string>", "sibling", "Labels of the user.", item="tag"),
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
        "Targets of the post.",
        fields=TARGETS,
        item="target",
    ),
)


_UNREPORTED = "0 if the platform does not report it."


def _metrics(parent: str) -> tuple[Column, ...]:
    counted = {
        "impressions": "Times displayed",
        "reach": "People reached",
        "likes": "Likes",
        "comments": "Comments",
        "shares": "Shares",
        "saves": "Saves",
        "clicks": "Clicks",
        "views": "Video views",
    }
    return (
        *(
            _column(
                name, f"{parent}.{name}", "int64", "sibling", f"{meaning}; {_UNREPORTED}", "count"
            )
            for name, meaning in counted.items()
        ),
        _column(
            "engagement_rate",
            f"{parent}.engagementRate",
            "float64",
            "sibling",
            f"Reactions per view; {_UNREPORTED}",
            "percent",
        ),
        _column(
            "last_updated",
            f"{parent}.lastUpdated",
            "timestamp",
            "sibling",
            "Time of the last update of the metrics.",
        ),
    )


ANALYTICS = (
    _column("post_id", "id", "id", "sibling", "Id of the post."),
    _column("status", "status", "string", "sibling", "published, partial, failed, …"),
    _column("content", "content", "string", "sibling", "Text; null if the post has media only."),
    _column("published_at", "publishedAt", "timestamp", "sibling", "Time of publication."),
    _column(
        "scheduled_for", "scheduledFor", "timestamp", "sibling", "Planned time of publication."
    ),
    _column("platform", "platform", "string", "sibling", "Platform of the first target."),
    _column(
        "platform_post_url", "platformPostUrl", "string", "sibling", "URL of the first target."
    ),
    _column("media_type", "mediaType", "string", "sibling", "text, image, video, carousel, …"),
    _column("is_external", "isExternal", "bool", "sibling", "Whether made outside the API."),
    *_metrics("analytics"),
    _column(
        "platforms",
        "platforms",
        "list<struct>",
        "sibling",
        "The targets, with the same metrics; failed ones have none.",
        fields=(
            _column("platform", "platform", "string", "sibling", "Platform, such as instagram."),
            _column("account_id", "accountId", "id", "sibling", "Account of the target."),
            _column("account_username", "accountUsername", "string", "sibling", "Its name."),
            _column("status", "status", "string", "sibling", "published, failed, pending, …"),
            _column(
                "sync_status",
                "syncStatus",
                "string",
                "sibling",
                "synced, pending, unavailable; the metrics are null unless synced.",
            ),
            _column(
                "platform_post_url", "platformPostUrl", "string", "sibling", "URL on the platform."
            ),
            _column("error", "error", "string", "sibling", "Reason of a failure."),
            *_metrics("analytics"),
        ),
        item="target",
    ),
)

_EACH_DAY = "repeated on each day."

FOLLOWERS = (
    _column("account_id", "accountId", "id", "sibling", "Account; unique per platform."),
    _column("platform", "account.platform", "string", "sibling", "Platform, such as instagram."),
    _column("username", "account.username", "string", "sibling", "Handle or display name."),
    _column("date", "date", "date", "sibling", "The day (UTC), without a time."),
    _column("followers", "followers", "int64", "sibling", "Followers on that day.", "people"),
    _column(
        "current_followers",
        "account.currentFollowers",
        "int64",
        "sibling",
        f"Followers now; {_EACH_DAY}",
        "people",
    ),
    _column(
        "growth",
        "account.growth",
        "int64",
        "sibling",
        f"Change in the requested days; {_EACH_DAY}",
        "people",
    ),
    _column(
        "growth_percentage",
        "account.growthPercentage",
        "float64",
        "sibling",
        f"The same as a share; {_EACH_DAY}",
        "percent",
    ),
    _column(
        "data_points",
        "account.dataPoints",
        "int64",
        "sibling",
        f"Days that have a number; {_EACH_DAY}",
        "count",
    ),
)
