"""Deletes old walks: complete ones beyond ``max_bytes``, and open ones after a week."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from socialframe.store.store import WalkStore

_OPEN_FOR = 7 * 86400.0  # seconds


def evict(store: WalkStore) -> None:
    """Delete the oldest complete walks beyond ``max_bytes``, and open walks after a week."""
    walks = store.complete_walks()
    size = sum(walk.size for walk in walks)
    while walks and size > store.max_bytes:
        size -= walks[-1].size
        store.delete_complete(walks.pop())
    store.discard(store.expired_walks(_OPEN_FOR))
    store.sweep()
