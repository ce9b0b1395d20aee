"""Sends calls: retries, rate limit, authentication and the network. Only here is httpx imported."""
