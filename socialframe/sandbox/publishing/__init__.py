"""Creating, editing, deleting and publishing posts in the sandbox."""
