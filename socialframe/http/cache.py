"""The outermost layer: what was asked before is not asked again.

It stands above the layer that adds the key, so that it never sees it, and above the budget, so that
what it knows costs nothing. Only walks go through it (see ``store/manifest.py``): each has its own
generation, whose entries no other walk touches, so that pages of different ages never mix.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx

from socialframe.errors import OfflineMiss, TornWalk
from socialframe.store.codec import Kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.store.backends import Store
    from socialframe.store.manifest import Passage

PASSAGE = "socialframe.passage"  # key of a walk's Passage in its requests' extensions
AT = "socialframe.at"  # key of the moment in which an answer came, in its extensions

# Headers that are of no use to a later reader, or that may hold what must not lie in a file.
_LEFT_OUT = {"set-cookie", "authorization", "proxy-authorization", "cookie", "connection", "date"}
_NEVER = "connect"  # answers under this path hold tokens and codes


class Cache(httpx.BaseTransport):
    """Keeps the answers of walks, and replays those of a walk that ended whole.

    Parameters
    ----------
    inner : httpx.BaseTransport
        Where calls go.
    store : Store
        Where answers are kept.
    tenant : str
        Whose they are.
    offline : bool
        Whether nothing may be sent.
    now : callable
        Seconds of Unix time.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        store: Store,
        tenant: str,
        *,
        offline: bool,
        now: Callable[[], float],
    ) -> None:
        self._inner = inner
        self._store = store
        self._tenant = tenant
        self._offline = offline
        self._now = now

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer from the cache where the walk is replayed from it; else send, and keep.

        Raises
        ------
        TornWalk
            If the answer of a replayed walk is gone.
        OfflineMiss
            If it would have to be sent, and nothing may be.
        """
        passage: Passage | None = request.extensions.get(PASSAGE)
        if passage is not None and passage.replay:
            return self._replayed(request, passage)
        if self._offline:
            raise missed(request.url.path)
        if passage is None:
            return self._inner.handle_request(request)
        return self._sent(request, passage)

    def _replayed(self, request: httpx.Request, passage: Passage) -> httpx.Response:
        kept = self._store.get(passage.generation + self._entry(request))
        if kept is None:
            passage.torn = True
            raise TornWalk(f"The cache lost its answer to GET {request.url.path}.")
        return httpx.Response(
            kept.status, headers=list(kept.headers), content=kept.body, extensions={AT: kept.at}
        )

    def _sent(self, request: httpx.Request, passage: Passage) -> httpx.Response:
        """Send a call and keep its answer; one that is known to be unchanged is not sent whole."""
        entry = self._entry(request)
        actions = _actions(request)
        old = self._store.get(passage.before.generation + entry) if passage.before else None
        if old is not None:
            from socialframe.store.requests_cache import to_response

            actions.update_from_cached_response(to_response(old))
            actions.update_request(request)
        response = self._inner.handle_request(request)
        now = self._now()
        if old is not None and response.status_code == httpx.codes.NOT_MODIFIED:
            headers = httpx.Headers(list(old.headers))
            headers.update({k: v for k, v in response.headers.items() if k not in _LEFT_OUT})
            response = httpx.Response(old.status, headers=headers, content=old.body)
        left = [(k, v) for k, v in response.headers.multi_items() if k not in _LEFT_OUT]
        kept = Kept(response.status_code, tuple(left), response.content, now)
        self._keep(request, kept, passage, actions)
        response.extensions[AT] = now
        return response

    def keep(self, request: httpx.Request, kept: Kept, passage: Passage) -> None:
        """Keep an answer that came in an earlier run of its walk, as if it came now."""
        self._keep(request, kept, passage, _actions(request))

    def _keep(self, request: httpx.Request, kept: Kept, passage: Passage, actions: Any) -> None:  # noqa: ANN401 - of a library that is loaded late
        entry = self._entry(request)
        passage.storable = (
            passage.storable
            and passage.size + len(kept.body) <= passage.most
            and self._may_keep(request, kept, actions)
            and self._store.put(passage.generation + entry, kept)
        )
        if passage.storable:
            passage.stored(entry, len(kept.body), kept.at)

    def _may_keep(self, request: httpx.Request, kept: Kept, actions: Any) -> bool:  # noqa: ANN401 - of a library that is loaded late
        from socialframe.store.requests_cache import to_response

        segments = {part.lower() for part in unquote(request.url.path).split("/")}
        if _NEVER in segments or request.content:
            return False
        response = to_response(kept)
        response.request = actions._request  # noqa: SLF001 - the same that it was made from
        actions.update_from_response(response)
        return not actions.skip_write

    def _entry(self, request: httpx.Request) -> str:
        """Return the key of an answer within its generation: whose it is, and the whole address.

        requests-cache's own key would leave out blank values and some names, and is 64 bits wide.
        """
        text = f"{self._tenant} {request.method} {request.url}"
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def close(self) -> None:
        """Close what is below, and the store."""
        self._inner.close()
        self._store.close()


def missed(path: str) -> OfflineMiss:
    """Return the error that says that a call would have had to be sent."""
    return OfflineMiss(
        f"GET {path} is not in the cache as a whole walk, and offline=True forbids to send it; run "
        "the same query once without offline."
    )


def _actions(request: httpx.Request) -> Any:  # noqa: ANN401 - of a library that is loaded late
    """Return what requests-cache would do with a call."""
    from requests_cache import CacheActions, CachedRequest, CacheSettings

    # How long answers last is judged for a whole walk, by its manifest: here nothing expires, and
    # what has a validator is always asked for with it. A Vary is not looked at: all calls of a
    # tenant have the same headers, and the tenant is in every entry's key.
    settings = CacheSettings(
        allowable_codes=(200,),
        allowable_methods=("GET",),
        always_revalidate=True,
        ignored_parameters=(),
        filter_fn=_storable,
    )
    asked = CachedRequest(method=request.method, url=str(request.url))
    return CacheActions.from_request("", asked, settings)


def _storable(response: Any) -> bool:  # noqa: ANN401 - of a library that is loaded late
    """Whether the API permits that an answer is kept at all; how long is for us to say."""
    from requests_cache.policy import CacheDirectives

    return not CacheDirectives.from_headers(response.headers).no_store
