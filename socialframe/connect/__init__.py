"""Connect accounts with OAuth: request the consent link, receive the callback, exchange its code.

The callback arrives on a loopback port, through a proxy, or pasted by the user. It counts only if
it carries the flow's own nonce, because the API's ``state`` can be guessed. Nothing here imports
the sandbox or httpx.
"""
