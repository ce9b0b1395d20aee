"""The endpoints, authentication, rate limit and request log of the sandbox."""
