"""Connecting an account: the flow, and the ways in which its answer comes back.

A *flow* is one attempt, from the link that a person follows to the account. The platform sends the
person's browser to a *callback* with a code; only a callback with the flow's own *nonce* counts,
because the API's own ``state`` can be guessed. Nothing in here knows the sandbox or httpx.
"""
