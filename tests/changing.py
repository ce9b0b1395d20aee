"""A sandbox whose world changes, and a client whose clock is an argument."""

from __future__ import annotations

from stand_ins import KEY, client_of

import socialframe as sf


class Changing:
    """A sandbox, its client, and changes of its posts."""

    def __init__(self, **options) -> None:
        self.now = 1_795_300_000.0  # 2026-11-21, one day after the newest post
        self.box = sf.Sandbox(key=KEY, wall=lambda: self.now, **options)
        self.api = client_of(self.box, now=lambda: self.now, cache=False)

    @property
    def world(self):
        return self.box.state.world

    def posts(self):
        """Return the posts as the API has them now, newest first."""
        return [dict(self.world.post(place)) for place in self.world.select()]

    def add(self, post_id, created, **values):
        """Add a post like the newest one."""
        first = self.posts()[0]
        post = {**first, "id": post_id, "createdAt": created, **values}
        self.box.state.change(lambda world: world.with_post(post))

    def edit(self, post_id, **values):
        """Change fields of a post."""
        place = self.world.find(post_id)
        post = {**self.world.post(place), **values}
        self.box.state.change(lambda world: world.with_post(post))

    def delete(self, post_id):
        """Delete a post."""
        self.box.state.change(lambda world: world.without_post(post_id))
