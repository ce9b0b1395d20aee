"""Runs one query, page by page: the session, the walk, its checks and its estimate."""
