"""The operations of the OpenAPI document, as the switches of a sandbox make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from socialframe.sandbox.api.analytics import SORTS
from socialframe.sandbox.api.oauth_state import PLATFORMS
from socialframe.sandbox.openapi_fields import (
    DAY,
    POST_ID,
    answer,
    in_path,
    operation,
    queries,
    ref,
    text,
    word,
)
from socialframe.sandbox.openapi_paging import paging_headers, paging_parameters

if TYPE_CHECKING:
    from socialframe.sandbox.json_text import Json
    from socialframe.sandbox.openapi_fields import Origin
    from socialframe.sandbox.switches import Switches

Operations = dict[tuple[str, str], "Json"]


def operations(switches: Switches) -> Operations:
    """Describe all that needs the key, by method and path.

    Examples
    --------
    >>> from socialframe.sandbox.switches import Switches
    >>> ("GET", "/v1/posts/{postId}") in operations(Switches())
    True
    """
    return {
        **_accounts(switches),
        **_connect(switches),
        **_posts(switches),
        **_numbers(switches),
    }


def _ok(origin: Origin, section: str, schema: Json) -> dict[int, Json]:
    # Section 5: no page states the status of a success. What is not invented is the sibling's.
    return {200: answer(origin, section, "OK", schema)}


def _deleted(switches: Switches, section: str, schema: str) -> dict[int, Json]:
    if switches.delete_status == 204:  # noqa: PLR2004 - No Content
        return {204: answer("invented", section, "Done.")}
    return {200: answer("sibling", section, "Done.", ref(schema))}


def _accounts(switches: Switches) -> Operations:
    return {
        ("GET", "/v1/accounts"): operation(
            "documented",
            "§5.1",
            "listAccounts",
            "List connected accounts, all at once",
            *queries("documented", "§5.1", {"platform": text("Keep only this one.")}),
            answers=_ok("invented", "§5.1", ref("Accounts")),
        ),
        ("GET", "/v1/accounts/health"): operation(
            "documented",
            "§5.2",
            "accountsHealth",
            "Tell the state of tokens and permissions",
            answers=_ok("invented", "§5.2", ref("AccountsHealth")),
        ),
        ("DELETE", "/v1/accounts/{platform}/{accountId}"): operation(
            "documented",
            "§5.3",
            "disconnectAccount",
            "Disconnect an account; its posts stay",
            *in_path(
                "documented",
                "§5.3",
                {"platform": text("", "tiktok"), "accountId": text("", "tt_40515")},
            ),
            answers=_deleted(switches, "§5.3", "Disconnected"),
            refuses=[404],
        ),
    }


def _connect(switches: Switches) -> Operations:
    at, select = "/v1/connect/{platform}", "/v1/connect/facebook/select-page"
    back = text("Where the browser goes afterwards; by default the registered URL.")
    finished: Json = ref("Connected")
    if switches.page_selection:
        finished = {"anyOf": [finished, ref("SelectPageNext")]}
    return {
        ("GET", at): operation(
            "documented",
            "§5.4",
            "startConnection",
            "Start connecting an account",
            *in_path("documented", "§5.4", {"platform": word(*PLATFORMS)}),
            *queries("documented", "§5.4", {"redirect_url": back}),
            answers=_ok("invented", "§5.4", ref("ConnectStart")),
            refuses=[400, 404],
        ),
        ("POST", at): operation(
            "documented",
            "§5.5",
            "finishConnection",
            "Finish connecting an account",
            *in_path("documented", "§5.5", {"platform": word(*PLATFORMS)}),
            body="ConnectFinish",
            answers=_ok("invented", "§5.5", finished),
            refuses=[400, 404],
        ),
        ("GET", select): operation(
            "sibling",
            "§5.5",
            "listPages",
            "List the Facebook Pages to choose from",
            *queries("invented", "§5.5", {"tempToken!": text("From the finish.")}),
            answers=_ok("invented", "§5.5", ref("Pages")),
            refuses=[400],
        ),
        ("POST", select): operation(
            "sibling",
            "§5.5",
            "selectPage",
            "Choose a Facebook Page",
            body="PageChoice",
            answers=_ok("invented", "§5.5", ref("PageChosen")),
            refuses=[400],
        ),
    }


def _posts(switches: Switches) -> Operations:
    found = answer("sibling", "§9.4", "OK", ref("PostsPage"))
    wanted = {"status": text(), "platform": text(), "dateFrom": DAY, "dateTo": DAY}
    made = switches.create_status
    return {
        ("GET", "/v1/posts"): operation(
            "sibling",
            "§5.11",
            "listPosts",
            "List posts, newest first",
            *paging_parameters(switches, "posts", 10),
            *queries("sibling", "§9.2", wanted),
            answers={200: {**found, "headers": paging_headers(switches, "posts")}},
            refuses=[400],
        ),
        ("POST", "/v1/posts"): operation(
            "documented",
            "§5.6",
            "createPost",
            "Create, schedule or publish a post; errors of platforms are on its targets",
            body="NewPost",
            answers={
                made: answer(
                    "sibling" if made == 201 else "invented",  # noqa: PLR2004 - Created
                    "§5.6",
                    "The post as it is now.",
                    ref("Post"),
                )
            },
            refuses=[400],
        ),
        ("POST", "/v1/posts/{postId}/retry"): operation(
            "documented",
            "§5.7",
            "retryPost",
            "Try the failed targets again, and only them",
            *in_path("example", "§5.7", {"postId": text("", "post_1b6ed22a2b")}),
            answers=_ok("sibling", "§5.7", ref("Post")),
            refuses=[400, 404],
        ),
        **_post(switches),
    }


def _post(switches: Switches) -> Operations:
    """Describe what is done to one post; all of it is the sibling's."""
    at = "/v1/posts/{postId}"
    return {
        ("GET", at): operation(
            "sibling",
            "§5.11",
            "getPost",
            "Get a post",
            *in_path("sibling", "§5.11", {"postId": POST_ID}),
            answers=_ok("sibling", "§9.4", ref("Post")),
            refuses=[404],
        ),
        ("PUT", at): operation(
            "sibling",
            "§5.11",
            "updatePost",
            "Change a post that is not out; fields that are not named stay",
            *in_path("sibling", "§5.11", {"postId": text("", "post_3cc76d1f17")}),
            body="PostChanges",
            answers=_ok("sibling", "§9.4", ref("Post")),
            refuses=[400, 404],
        ),
        ("DELETE", at): operation(
            "sibling",
            "§5.11",
            "deletePost",
            "Delete a post that is not out",
            *in_path("sibling", "§5.11", {"postId": text("", "post_3cc76d1f17")}),
            answers=_deleted(switches, "§9.4", "Deleted"),
            refuses=[400, 404],
        ),
    }


def _numbers(switches: Switches) -> Operations:
    shown = {"anyOf": [ref("AnalyticsPage"), ref("MeasuredPost")]}
    measured = answer("sibling", "§9.7", "A page; with `postId` the one post.", shown)
    wanted = {
        "postId": text("Of a post that is out."),
        "platform": text(),
        "accountId": text(),
        "fromDate": {
            **DAY,
            "description": "90 days before the end of the story by default; 366 days at most.",
        },
        "toDate": {**DAY, "description": "Today by default."},
        "sortBy": {**word(*SORTS), "default": SORTS[0]},
        "order": {**word("desc", "asc"), "default": "desc"},
    }
    followed = {
        "accountIds": text("A list with commas; all by default."),
        "fromDate": {**DAY, "description": "30 days before the end of the story by default."},
        "toDate": {**DAY, "description": "Today by default."},
        "granularity": {**word("daily"), "default": "daily"},
    }
    return {
        ("GET", "/v1/analytics"): operation(
            "sibling",
            "§9.7",
            "listAnalytics",
            "List the numbers of posts that are out",
            *paging_parameters(switches, "analytics", 50),
            *queries("sibling", "§9.2", wanted),
            answers={200: {**measured, "headers": paging_headers(switches, "analytics")}},
            refuses=[400, 404],
        ),
        ("GET", "/v1/accounts/follower-stats"): operation(
            "sibling",
            "§9.7",
            "followerStats",
            "Tell followers by day, all at once",
            *queries("sibling", "§9.2", followed),
            answers=_ok("sibling", "§9.7", ref("FollowerStats")),
            refuses=[400],
        ),
    }
