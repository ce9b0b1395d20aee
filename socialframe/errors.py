"""All errors and warnings of socialframe.

::

    SocialFrameError
    ├── ArgumentError            an invalid argument; no request was sent
    ├── MissingKeyError          no API key was found
    ├── InvalidKeyError          the API key has an invalid format; no request was sent
    ├── FileError                a file cannot be written, or read in the expected format
    ├── APIError                 the API refused a request
    │   ├── AuthenticationError  401: missing or unknown key
    │   ├── ValidationError      400: invalid arguments
    │   ├── NotFoundError        404: unknown resource
    │   ├── RateLimitError       429 or a stated rate limit, or our own budget; the wait would
    │   │                        exceed ``max_wait``
    │   └── ServerError          5xx: a failure of the API
    ├── NetworkError             connection error, timeout or truncated response
    ├── ReplyError               the response has an unexpected format
    ├── TornWalk                 the cache lost a page of the walk that it replays
    ├── MaxRequestsError         the query needs more requests than ``max_requests``
    ├── OfflineMiss              ``offline=True``, and the walk is not in the cache
    ├── ConnectError             the account was not connected
    ├── DatasetError             a dataset cannot be opened, or was not changed
    └── IncompleteWalk           the walk failed after its first page
        └── PagingLoop           the pages of the API repeat

    UserWarning
    ├── BudgetWarning            the budget is not shared with other processes
    ├── CacheWarning             the cache does not work; requests go to the API
    ├── JournalWarning           a walk that fails cannot be resumed
    └── WalkWarning              the rows may be incomplete or may repeat

Every error has ``status_code``, ``retry_after``, ``retryable`` and ``request_id``, so a caller
need not know the subclasses. Every error pickles. No error holds a key.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from socialframe.redact import printable, redacted


class _Printable:
    """An error or warning whose text may quote the API."""

    def __init__(self, *args: object) -> None:
        super().__init__(*(redacted(arg) if isinstance(arg, str) else arg for arg in args))

    def __str__(self) -> str:
        return printable(super().__str__())


class SocialFrameError(_Printable, Exception):
    """Base class of all errors of socialframe.

    Attributes
    ----------
    status_code : int or None
        HTTP status of the response that caused the error.
    retry_after : float or None
        Seconds to wait before a retry, as sent by the API.
    retryable : bool
        Whether the same call may succeed later.
    request_id : str or None
        Id of the request, as sent by the API in ``X-Request-Id`` or a similar header; its support
        can look it up.

    Examples
    --------
    >>> SocialFrameError("Something is wrong.").retryable
    False
    """

    status_code: int | None = None
    retry_after: float | None = None
    retryable: bool = False
    request_id: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls cls(*args), which fails for keyword-only arguments.
        return _restore, (type(self), self.args, self.__dict__.copy())


def _restore(
    cls: type[SocialFrameError], args: tuple[Any, ...], state: dict[str, Any]
) -> SocialFrameError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


def add_request_id(error: SocialFrameError, request_id: str | None) -> None:
    """Add the id of the request to an error whose sentence does not have it."""
    error.request_id = request_id
    if request_id:
        error.add_note(f"The id of the request is {printable(request_id)}.")


def _copy_retry_facts(error: SocialFrameError, cause: SocialFrameError | None) -> None:
    if cause is not None:
        error.status_code = cause.status_code
        error.retry_after = cause.retry_after
        error.retryable = cause.retryable
        error.request_id = cause.request_id


class ArgumentError(SocialFrameError, ValueError):
    """An invalid argument. No request was sent."""


class MissingKeyError(SocialFrameError):
    """No API key was found in the environment, ``.env`` or the keyring."""


class InvalidKeyError(SocialFrameError):
    """The API key has an invalid format. No request was sent; the message does not show the key."""


class FileError(SocialFrameError):
    """A file cannot be written, or read in the expected format."""


class APIError(SocialFrameError):
    """The API refused a request.

    Parameters
    ----------
    message : str
        The error text of the API.
    method, path : str
        Method and path of the request.
    status_code : int or None
        HTTP status; None if our own budget refused before sending.
    code : str or None
        The error code of the API, such as ``RATE_LIMIT_EXCEEDED``.
    retry_after : float or None
        Seconds to wait before a retry, as sent by the API.
    request_id : str or None
        Id of the request, as sent by the API.

    Examples
    --------
    >>> print(APIError("Post not found", method="GET", path="/v1/posts/x", status_code=404))
    GET /v1/posts/x: 404 Post not found
    """

    def __init__(
        self,
        message: str,
        *,
        method: str,
        path: str,
        status_code: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        status = f"{status_code} " if status_code is not None else ""
        suffix = f" ({code})" if code else ""
        suffix += f" [request id {request_id}]" if request_id else ""
        super().__init__(f"{method} {path}: {status}{message}{suffix}")
        self.message = redacted(message)
        self.method = method
        self.path = path
        self.status_code = status_code
        self.code = code and redacted(code)
        self.retry_after = retry_after
        self.request_id = request_id


class AuthenticationError(APIError):
    """401: the key is missing (``AUTH_MISSING_KEY``) or unknown (``AUTH_INVALID_KEY``)."""


class ValidationError(APIError):
    """400: the API refused the arguments."""


class NotFoundError(APIError):
    """404: the resource does not exist."""


class RateLimitError(APIError):
    """A rate limit, or our own budget is used up, and the wait would exceed ``max_wait``.

    The API answers 429, or states a rate limit with another status; ``status_code`` has it.
    """

    retryable = True


class ServerError(APIError):
    """5xx: the API failed, also after every retry."""

    retryable = True


class NetworkError(SocialFrameError):
    """Connection error, timeout or truncated response."""

    retryable = True


class ReplyError(SocialFrameError):
    """The response has an unexpected format."""


class ConnectError(SocialFrameError):
    """The account was not connected.

    Parameters
    ----------
    reason : str
        Why, and what to do.
    state : str
        How it ended: ``denied``, ``expired``, ``cancelled`` or ``failed``.
    cause : SocialFrameError or None
        The original error; ``status_code``, ``retry_after`` and ``retryable`` are copied from it.

    Examples
    --------
    >>> ConnectError("Timed out after 300 s.", state="expired").state
    'expired'
    """

    def __init__(
        self, reason: str, *, state: str = "failed", cause: SocialFrameError | None = None
    ) -> None:
        super().__init__(reason)
        self.state = state
        _copy_retry_facts(self, cause)


class TornWalk(SocialFrameError):  # noqa: N818 - a state of a walk
    """The cache lost a page of the walk that it replays. Run the query again to ask the API."""

    retryable = True


class OfflineMiss(SocialFrameError):  # noqa: N818 - like cache miss
    """``offline=True``, and the cache has no complete walk of the query. No request was sent."""


class MaxRequestsError(SocialFrameError):
    """The query needs more requests than ``max_requests`` and was stopped.

    Parameters
    ----------
    max_requests : int
        The limit, retries included.
    requests : int or None
        Number of requests that the query needs; None if unknown.

    Examples
    --------
    >>> print(MaxRequestsError(10, 54))
    The query needs 54 requests; max_requests allows 10. Narrow the query or raise max_requests.
    """

    def __init__(self, max_requests: int, requests: int | None) -> None:
        count = "more requests" if requests is None else f"{requests:,} requests"
        text = f"The query needs {count}; max_requests allows {max_requests:,}."
        super().__init__(f"{text} Narrow the query or raise max_requests.")
        self.max_requests = max_requests
        self.requests = requests


class DatasetError(SocialFrameError):
    """A dataset cannot be opened, or a refresh left it unchanged.

    ``retryable`` is True if another refresh was under way.
    """


class IncompleteWalk(SocialFrameError):  # noqa: N818 - a state of a walk
    """The walk failed after its first page, so no result is returned.

    The received pages are stored under ``walk_id``.

    Parameters
    ----------
    reason : str
        Why the walk stopped, in one sentence.
    pages, rows : int
        Pages and rows received; the attribute for pages is ``pages_done``.
    position : dict of str to str
        Parameters of the next request.
    cause : SocialFrameError or None
        The original error; ``status_code``, ``retry_after`` and ``retryable`` are copied from it.

    Attributes
    ----------
    walk_id : str
        Id of the walk in the store; empty if the walk is not stored.

    Examples
    --------
    >>> error = IncompleteWalk("Connection lost.", pages=3, rows=300, position={"page": "4"})
    >>> error.pages_done, error.position
    (3, {'page': '4'})
    """

    walk_id: str = ""
    _query: Any = None  # the query that resumes it, in this process

    def __init__(
        self,
        reason: str,
        *,
        pages: int,
        rows: int,
        position: dict[str, str],
        cause: SocialFrameError | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = redacted(reason)
        self.pages_done = pages
        self.rows = rows
        self.position = {redacted(name): redacted(one) for name, one in position.items()}
        _copy_retry_facts(self, cause)

    def __str__(self) -> str:
        position = ", ".join(f"{name}={value}" for name, value in self.position.items())
        return printable(
            f"{self.reason} The walk had {self.pages_done:,} page{'s' * (self.pages_done != 1)} "
            f"({self.rows:,} rows) and is incomplete, so no result is returned. Its next request "
            f"is for {position or 'the next page'}. {self._advice()}"
        )

    def resume(self) -> Any:  # noqa: ANN401 - a Query; its module imports this one
        """Return the query, which continues after the pages that were received.

        Returns
        -------
        Query
            Each method that gets rows continues the walk: ``frame()``, ``to_parquet(...)`` etc.

        Raises
        ------
        ArgumentError
            If this error was pickled and the store no longer has the walk, or the key differs. If
            the error was not pickled, the query warns and starts over.
        """
        if self._query is not None:
            return self._query
        # An error from another process has only plain values: its walk is looked up by its id, by a
        # function of a higher layer, which this module must not import at its top.
        return import_module("socialframe").resume(self.walk_id)

    def frame(self) -> Any:  # noqa: ANN401 - a DataFrame; this module does not import pandas
        """Return the rows received before the failure. No request is sent.

        Returns
        -------
        pandas.DataFrame
            With the columns of the query; ``df.attrs["socialframe"]["complete"]`` is False.

        Raises
        ------
        ArgumentError
            If the store no longer has the walk.
        """
        return self.resume().kept()

    def _advice(self) -> str:
        if self.walk_id:
            return "To continue, run the query again within an hour or call resume() on this error."
        return "Run the query again to start over."

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: value for name, value in self.__dict__.items() if name != "_query"}
        return _restore, (type(self), self.args, state)


class PagingLoop(IncompleteWalk):
    """The API leads to a request that was already sent, or sends pages without new rows.

    ``resume()`` starts over; ``frame()`` returns the received rows.
    """

    def _advice(self) -> str:
        return "Run the query again to start over."


class BudgetWarning(_Printable, UserWarning):
    """The budget file does not work, so the budget is not shared with other processes."""


class WalkWarning(_Printable, UserWarning):
    """The rows may be incomplete or may repeat; ``df.attrs["socialframe"]`` has the details."""


class JournalWarning(_Printable, UserWarning):
    """The store does not work, so a walk that breaks cannot be resumed."""


class CacheWarning(_Printable, UserWarning):
    """The cache does not work, so every request goes to the API."""


def user_stacklevel() -> int:
    """Return the ``stacklevel`` that attributes a warning to the line that called this package.

    Python shows a warning text once per line, so warnings of two walks stay apart.
    """
    frame, level = sys._getframe(1), 1
    # A context manager of this package is called by contextlib.
    ours = {"socialframe", "contextlib"}
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in ours:
        frame, level = frame.f_back, level + 1
    return level
