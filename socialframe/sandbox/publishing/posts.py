"""Creating, editing, deleting and retrying posts: sections 5.6, 5.7 and 5.11 of the contract.

Create and retry are documented; update and delete are the sibling's (sections 9.2 and 9.4).
"""

from __future__ import annotations

import secrets
from itertools import count
from typing import TYPE_CHECKING

from socialframe.sandbox.api.answers import Answer, Routes
from socialframe.sandbox.api.request import ApiError, ApiRequest, invalid
from socialframe.sandbox.json_text import Json, dumps
from socialframe.sandbox.publishing.publish import pending, save_post
from socialframe.sandbox.publishing.read_post import read_post
from socialframe.sandbox.state import State, format_time

if TYPE_CHECKING:
    from socialframe.sandbox.world.world import World

_NOT_DELETED = {
    "publishing": "being published",
    "published": "published",
    "partial": "published in part",
}
_SHOWN = ("content", "mediaItems", "platforms", "scheduledFor", "timezone", "tags")


def create(request: ApiRequest) -> Answer:
    """Answer ``POST /v1/posts``.

    Not documented: ``isDraft`` wins over ``publishNow``, and that over ``scheduledFor``. Without
    them the post stays a draft (the sibling's ``publishNow`` is false by default). A past moment is
    due immediately. The response comes after publishing; its status does not depend on the result.
    """
    body, box = request.json(), request.state
    with box.lock:
        blank: Json = {
            "id": _new_id(box.world),
            "content": "",
            "status": "new",
            "mediaItems": [],
            "platforms": [],
            "scheduledFor": None,
            "publishedAt": None,
            "timezone": "UTC",
            "tags": [],
            "createdAt": format_time(box.now),
            "updatedAt": "",
        }
        post = save_post(box, _changed(box, blank, body))
    return Answer(dumps(post), status=request.switches.create_status)


def update(request: ApiRequest) -> Answer:
    """Answer ``PUT /v1/posts/{postId}``: only the given fields change.

    A draft stays a draft until ``isDraft`` is false or ``publishNow`` is true, so that sending it
    back unchanged does not publish it. A failed post stays failed until it is retried or gets
    ``publishNow`` or another ``scheduledFor``; with other targets it becomes a draft.
    """
    box = request.state
    with box.lock:
        old = _found(request)
        body = request.json()
        if old["status"] not in {"draft", "scheduled", "failed"}:
            raise invalid("Only draft, scheduled and failed posts can be edited")
        post = save_post(box, _changed(box, old, body))
    return Answer(dumps(post))


def delete(request: ApiRequest) -> Answer:
    """Answer ``DELETE /v1/posts/{postId}``."""
    box, status = request.state, request.switches.delete_status
    with box.lock:
        post = _found(request)
        if post["status"] in _NOT_DELETED:
            raise invalid(f"A post that is {_NOT_DELETED[post['status']]} cannot be deleted")
        box.change(lambda world: world.without_post(post["id"]))
    return Answer(b"" if status == 204 else dumps({"message": "Post deleted"}), status=status)  # noqa: PLR2004 - no content


def retry(request: ApiRequest) -> Answer:
    """Answer ``POST /v1/posts/{postId}/retry``: publish only the failed targets again."""
    box = request.state
    with box.lock:
        post = _found(request)
        # All targets of a post are published together, so none is still pending.
        if not any(target["status"] == "failed" for target in post["platforms"]):
            raise invalid("The post has no failed target to retry")
        post = save_post(box, {**post, "status": "publishing"})
    return Answer(dumps(post))


def _found(request: ApiRequest) -> Json:
    place = request.state.world.find(request.path["post_id"])
    if place is None:
        raise ApiError(404, "NOT_FOUND", "Post not found")
    return request.state.world.post(place)


def _new_id(world: World) -> str:
    tries = (f"post_{secrets.token_hex(5)}" for _ in count())
    return next(new for new in tries if world.find(new) is None)


def _changed(box: State, old: Json, body: Json) -> Json:
    """Return a post with the changes of a body."""
    given = read_post(box.world, old, body)
    post = {**old, **{name: given[name] for name in _SHOWN if name in given}}
    status = _status(old, post, given)
    post["platforms"] = [_with_settings(target, given) for target in post["platforms"]]
    if status == "publishing":
        post["scheduledFor"] = None
    if status != "failed":
        post["platforms"] = [pending(target) for target in post["platforms"]]
    # Another scheduledFor, or isDraft=False, needs targets.
    plans = given.get("scheduledFor") not in (None, old["scheduledFor"])
    stays = old["status"] == "draft" and given.get("isDraft") is None and not plans
    drafted = status == "draft" and (given.get("isDraft") or stays)
    if not post["platforms"] and not drafted:
        raise invalid("Platforms required for non-draft posts")
    own = [bool(one.get("customContent") or one.get("customMedia")) for one in post["platforms"]]
    if not ((post["content"] or "").strip() or post["mediaItems"] or (own and all(own))):
        raise invalid(
            "content is required unless media is attached or every target has customContent"
        )
    return {**post, "status": status, "updatedAt": format_time(box.now)}


def _status(old: Json, post: Json, given: Json) -> str:
    if given.get("isDraft"):
        return "draft"
    if given.get("publishNow"):
        return "publishing"
    if old["status"] == "draft" and given.get("isDraft") is None:
        return "draft"
    if old["status"] == "failed" and post["scheduledFor"] == old["scheduledFor"]:
        return "draft" if "platforms" in given else "failed"
    return "scheduled" if post["scheduledFor"] else "draft"


def _with_settings(target: Json, given: Json) -> Json:
    """Merge the settings of a platform into a target; settings of the target win."""
    settings = given.get(f"{target['platform']}Settings")
    if not settings:
        return target
    own = target.get("platformSpecificData", {})
    merged = {**settings, **own} if "platforms" in given else {**own, **settings}
    return {**target, "platformSpecificData": merged}


ROUTES: Routes = {
    ("POST", "/v1/posts"): create,
    ("PUT", "/v1/posts/<post_id>"): update,
    ("DELETE", "/v1/posts/<post_id>"): delete,
    ("POST", "/v1/posts/<post_id>/retry"): retry,
}
"""The handlers of these routes; each part of the sandbox has such a table."""
