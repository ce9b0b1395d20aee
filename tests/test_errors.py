"""One tree, readable without knowing it, that pickles."""

import inspect
import pickle

import pytest

from socialframe import errors
from socialframe.errors import (
    APIError,
    IncompleteWalk,
    MaxRequestsError,
    PagingLoop,
    RateLimitError,
    SocialFrameError,
)

CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, SocialFrameError)
]


def made(cls):
    if issubclass(cls, APIError):
        return cls(
            "Rate limit exceeded",
            method="GET",
            path="/v1/posts",
            status_code=429,
            code="RATE_LIMIT_EXCEEDED",
            retry_after=60.0,
        )
    if issubclass(cls, IncompleteWalk):
        cause = made(RateLimitError)
        return cls("Stopped.", pages=2, rows=200, position={"page": "3"}, cause=cause)
    if issubclass(cls, MaxRequestsError):
        return cls(2, 3)
    return cls("Something is wrong.")


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_pickles(cls):
    """With all that it says."""
    error = made(cls)

    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - made here

    assert type(back) is cls
    assert str(back) == str(error)
    assert vars(back) == vars(error)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_can_be_read_alike(cls):
    """status_code, retry_after and retryable are there on each."""
    error = made(cls)

    assert error.status_code in {None, 429}
    assert error.retry_after in {None, 60.0}
    assert isinstance(error.retryable, bool)


def test_the_drawing_is_the_tree():
    """The module's docstring names each class, under its own base."""
    lines = inspect.getdoc(errors).splitlines()
    drawn = {}
    parents = []
    for line in lines:
        name = line.strip("│├└─ ").split(" ")[0]
        if not (hasattr(errors, name) and name):
            continue
        depth = (len(line) - len(line.lstrip("│├└─ "))) // 4 - 1
        parents[depth:] = [name]
        drawn[name] = parents[depth - 1] if depth else None

    for cls in CLASSES[1:]:
        bases = {base.__name__ for base in cls.__bases__}
        assert drawn[cls.__name__] in bases


def test_an_incomplete_walk_says_how_far_it_came_and_why():
    """And takes over what its cause can be asked."""
    error = made(PagingLoop)

    assert "2 pages (200 rows)" in str(error)
    assert "page=3" in str(error)
    assert error.retryable
    assert error.retry_after == 60.0
    assert isinstance(error, IncompleteWalk)


def test_api_errors_say_call_status_text_and_code():
    """In one line."""
    expected = "GET /v1/posts: 429 Rate limit exceeded (RATE_LIMIT_EXCEEDED)"

    assert expected == str(made(RateLimitError))
