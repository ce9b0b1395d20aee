"""Every error and warning of socialframe, in one tree.

::

    SocialFrameError
    ├── ArgumentError            an argument that cannot be meant: nothing was sent
    ├── MissingKeyError          no API key was found
    ├── InvalidKeyError          what was given cannot be an API key: nothing was sent
    ├── FileError                a file that cannot be written, or read as what it should be
    ├── APIError                 the API refused a call
    │   ├── AuthenticationError  401: no key, or a key it does not know
    │   ├── ValidationError      400: it does not accept the arguments
    │   ├── NotFoundError        404: no such resource
    │   ├── RateLimitError       429, or our own budget: longer to wait than ``max_wait``
    │   └── ServerError          5xx: its own fault
    ├── NetworkError             no whole answer came: connect, time-out, cut off
    ├── ReplyError               an answer that cannot be read as what was asked for
    ├── TornWalk                 the cache lost a page of a walk that is replayed from it
    ├── MaxRequestsError         a walk that would send more than ``max_requests``
    ├── OfflineMiss              ``offline=True``, and the cache has no such walk: nothing was sent
    ├── ConnectError             an account that was not connected
    └── IncompleteWalk           a walk that broke after its first page
        └── PagingLoop           the API leads in a circle

    UserWarning
    ├── BudgetWarning            the budget cannot be shared with other processes
    ├── CacheWarning             the cache cannot be used as it should; the API is asked instead
    ├── JournalWarning           a walk that breaks could not be resumed
    └── WalkWarning              the rows are here, but something about them is uncertain

``status_code``, ``retry_after`` and ``retryable`` can be read on every one of them, so a caller may
branch without knowing the subclasses. All of them pickle. None of them holds a header or a key.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, ClassVar


class SocialFrameError(Exception):
    """Any error that socialframe raises.

    Attributes
    ----------
    status_code : int or None
        HTTP status of the answer that caused it.
    retry_after : float or None
        Seconds after which the API said to try again.
    retryable : bool
        Whether the same call may succeed later without any change.

    Examples
    --------
    >>> SocialFrameError("Something is wrong.").retryable
    False
    """

    status_code: int | None = None
    retry_after: float | None = None
    retryable: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls cls(*args), which cannot know keyword-only arguments.
        return _restore, (type(self), self.args, self.__dict__.copy())


def _restore(
    cls: type[SocialFrameError], args: tuple[Any, ...], state: dict[str, Any]
) -> SocialFrameError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


def _take_over(error: SocialFrameError, cause: SocialFrameError | None) -> None:
    if cause is not None:
        error.status_code = cause.status_code
        error.retry_after = cause.retry_after
        error.retryable = cause.retryable


class ArgumentError(SocialFrameError, ValueError):
    """An argument that cannot be meant. Nothing was sent."""


class MissingKeyError(SocialFrameError):
    """No API key was found in any of the places where one is looked for."""


class InvalidKeyError(SocialFrameError):
    """What was given cannot be an API key. Nothing was sent, and it is not repeated here."""


class FileError(SocialFrameError):
    """A file that cannot be written, or cannot be read as what it should be."""


class APIError(SocialFrameError):
    """The API refused a call.

    Parameters
    ----------
    message : str
        The API's own text for a person.
    method, path : str
        What was asked for.
    status_code : int or None
        HTTP status; None when our own budget refused before sending.
    code : str or None
        The API's own code, as ``RATE_LIMIT_EXCEEDED``.
    retry_after : float or None
        Seconds after which the API said to try again.

    Examples
    --------
    >>> print(APIError("Post not found", method="GET", path="/v1/posts/x", status_code=404))
    GET /v1/posts/x: 404 Post not found
    """

    _retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        method: str,
        path: str,
        status_code: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        status = f"{status_code} " if status_code is not None else ""
        suffix = f" ({code})" if code else ""
        super().__init__(f"{method} {path}: {status}{message}{suffix}")
        self.message = message
        self.method = method
        self.path = path
        self.status_code = status_code
        self.code = code
        self.retry_after = retry_after
        self.retryable = self._retryable


class AuthenticationError(APIError):
    """401: no key was sent (``AUTH_MISSING_KEY``) or it is not known (``AUTH_INVALID_KEY``)."""


class ValidationError(APIError):
    """400: the API does not accept the arguments."""


class NotFoundError(APIError):
    """404: no such resource."""


class RateLimitError(APIError):
    """429, or the budget is used, and the wait would be longer than ``max_wait``."""

    _retryable = True


class ServerError(APIError):
    """5xx: the API's own fault, after every retry."""

    _retryable = True


class NetworkError(SocialFrameError):
    """No whole answer came: no connection, a time-out, or an answer that was cut off."""

    retryable = True


class ReplyError(SocialFrameError):
    """An answer that cannot be read as what was asked for."""


class ConnectError(SocialFrameError):
    """An account was not connected.

    Parameters
    ----------
    reason : str
        Why, and what to do.
    state : str
        How the flow ended: ``denied``, ``expired``, ``cancelled`` or ``failed``.
    cause : SocialFrameError or None
        The failure itself; its ``status_code``, ``retry_after`` and ``retryable`` show here too.

    Examples
    --------
    >>> ConnectError("Nobody answered within 300 s.", state="expired").state
    'expired'
    """

    def __init__(
        self, reason: str, *, state: str = "failed", cause: SocialFrameError | None = None
    ) -> None:
        super().__init__(reason)
        self.state = state
        _take_over(self, cause)


class TornWalk(SocialFrameError):  # noqa: N818 - a state of a walk
    """The cache lost a page of a walk that is replayed from it; the next try asks the API."""

    retryable = True


class OfflineMiss(SocialFrameError):  # noqa: N818 - what it is, as cache miss
    """``offline=True``, and the cache has no whole walk for this. Nothing was sent."""


class MaxRequestsError(SocialFrameError):
    """A walk would send more requests than ``max_requests`` permits, so it goes no further.

    Parameters
    ----------
    max_requests : int
        How many it may send, repetitions counted.
    requests : int or None
        How many it would have sent in all; None where that is not known.

    Examples
    --------
    >>> print(MaxRequestsError(10, 54))
    The walk takes 54 requests, and max_requests permits 10. Ask for less of it, or permit more.
    """

    def __init__(self, max_requests: int, requests: int | None) -> None:
        count = "more requests" if requests is None else f"{requests:,} requests"
        text = f"The walk takes {count}, and max_requests permits {max_requests:,}."
        super().__init__(f"{text} Ask for less of it, or permit more.")
        self.max_requests = max_requests
        self.requests = requests


class IncompleteWalk(SocialFrameError):  # noqa: N818 - a state of a walk; the glossary's own word
    """A walk that broke after its first page: what came so far is not the whole answer.

    It pickles as plain values; the rows are in the journal, under ``walk_id``.

    Parameters
    ----------
    reason : str
        What stopped it, as one sentence.
    pages, rows : int
        Pages and rows that had come; the pages are ``pages_done``.
    position : dict of str to str
        Parameters of the call that was due next, to go on from there.
    cause : SocialFrameError or None
        The failure itself; its ``status_code``, ``retry_after`` and ``retryable`` show here too.

    Attributes
    ----------
    walk_id : str
        Name of the walk in the journal; empty where there is none.

    Examples
    --------
    >>> error = IncompleteWalk("The line broke.", pages=3, rows=300, position={"page": "4"})
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
        self.reason = reason
        self.pages_done = pages
        self.rows = rows
        self.position = position
        _take_over(self, cause)

    def __str__(self) -> str:
        where = ", ".join(f"{name}={value}" for name, value in self.position.items())
        return (
            f"{self.reason} The walk had {self.pages_done:,} page{'s' * (self.pages_done != 1)} "
            f"({self.rows:,} rows) and is not whole, so no result is returned; the call due next "
            f"was the one with {where or 'the next page'}. {self._advice()}"
        )

    def resume(self) -> Any:  # noqa: ANN401 - a Query, which stands on a higher floor
        """Return the query, to go on where it broke: nothing that came is asked again.

        Returns
        -------
        Query
            Any of its ways out goes on, ``frame()`` as well as ``to_parquet(...)``.

        Raises
        ------
        ArgumentError
            If this error was pickled, and nothing of the walk is kept any more, or it is of another
            key. Else the query starts anew then, and says so.
        """
        if self._query is not None:
            return self._query
        # An error of another process has plain values alone. Its walk is looked up by a function
        # that stands above this floor, so it is looked up by name.
        return import_module("socialframe").resume(self.walk_id)

    def frame(self) -> Any:  # noqa: ANN401 - a DataFrame, which this floor does not know
        """Return the rows that came before it broke; nothing is sent.

        Returns
        -------
        pandas.DataFrame
            As the query's own; ``df.attrs["socialframe"]["complete"]`` is False.

        Raises
        ------
        ArgumentError
            If nothing of the walk is kept any more.
        """
        return self.resume().kept()

    def _advice(self) -> str:
        if self.walk_id:
            return (
                "Run it again within the hour, or call resume() on this error, to go on from there."
            )
        return "Run it again to start anew."

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: value for name, value in self.__dict__.items() if name != "_query"}
        return _restore, (type(self), self.args, state)


class PagingLoop(IncompleteWalk):
    """The API leads in a circle: a call that was made already, or pages without anything new.

    Its ``frame()`` has the rows that came; its ``resume()`` starts anew.
    """

    def _advice(self) -> str:
        return "Run it again to start anew."


class BudgetWarning(UserWarning):
    """The file of the budget cannot be used: other processes do not see the calls of this one."""


class WalkWarning(UserWarning):
    """The rows are here, but something about them is uncertain; ``df.attrs`` says what."""


class JournalWarning(UserWarning):
    """The journal of unfinished walks cannot be used: a walk that breaks starts anew."""


class CacheWarning(UserWarning):
    """The cache cannot be used as it should; everything else works, only slower."""


def outside() -> int:
    """Return the ``stacklevel`` of the frame that called into this package.

    So a warning shows the user's line, and Python's filter, which shows a text once a line, tells
    two walks apart.
    """
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "socialframe":
        frame, level = frame.f_back, level + 1
    return level
