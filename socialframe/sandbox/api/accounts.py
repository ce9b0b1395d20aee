"""The list of accounts and their health."""

from __future__ import annotations

from typing import TYPE_CHECKING

from socialframe.sandbox.api.answers import Answer, Routes
from socialframe.sandbox.json_text import dumps

if TYPE_CHECKING:
    from socialframe.sandbox.api.request import ApiRequest


def accounts(request: ApiRequest) -> Answer:
    """Answer ``GET /v1/accounts``; an unknown platform has no accounts."""
    platform = request.text("platform")
    shown = [who for who in request.world.accounts if platform in (None, who["platform"])]
    return Answer(dumps({"accounts": shown}))


def health(request: ApiRequest) -> Answer:
    """Answer ``GET /v1/accounts/health``."""
    return Answer(dumps({"accounts": request.world.health}))


ROUTES: Routes = {
    ("GET", "/v1/accounts"): accounts,
    ("GET", "/v1/accounts/health"): health,
}
