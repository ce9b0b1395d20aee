"""Every error pickles, has the same attributes and is in the documented tree."""

import inspect
import pickle

import pytest

import socialframe as sf
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


def build(cls):
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
        cause = build(RateLimitError)
        return cls("Stopped.", pages=2, rows=200, position={"page": "3"}, cause=cause)
    if issubclass(cls, MaxRequestsError):
        return cls(2, 3)
    return cls("Something is wrong.")


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_pickles(cls):
    """Type, message and attributes survive."""
    error = build(cls)

    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - made here

    assert type(back) is cls
    assert str(back) == str(error)
    assert vars(back) == vars(error)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_has_the_common_attributes(cls):
    """status_code, retry_after and retryable."""
    error = build(cls)

    assert error.status_code in {None, 429}
    assert error.retry_after in {None, 60.0}
    assert isinstance(error.retryable, bool)


def test_the_tree_in_the_docstring_matches_the_classes():
    """Each class is drawn below its base."""
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


def test_incomplete_walk_reports_progress_and_copies_the_attributes_of_its_cause():
    """Pages, rows and the next request; retryable and retry_after."""
    error = build(PagingLoop)

    assert "2 pages (200 rows)" in str(error)
    assert "page=3" in str(error)
    assert error.retryable
    assert error.retry_after == 60.0
    assert isinstance(error, IncompleteWalk)


@pytest.mark.parametrize("cls", [sf.ReplyError, sf.WalkWarning, sf.CacheWarning, sf.IncompleteWalk])
def test_texts_have_no_control_characters(cls):
    """A terminal would obey those that a server sends; a line feed stays."""
    more = {"pages": 1, "rows": 1, "position": {"c": "\x1b"}} if cls is sf.IncompleteWalk else {}
    error = cls("a\x1b[2Jb\rc\x9bd\ne", **more)

    for one in (error, pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own
        assert str(one).startswith("a\\u001b[2Jb\\u000dc\\u009bd\ne")
        assert "\x1b" not in str(one)


def test_the_message_of_an_api_error_has_request_status_text_and_code():
    """In one line."""
    expected = "GET /v1/posts: 429 Rate limit exceeded (RATE_LIMIT_EXCEEDED)"

    assert expected == str(build(RateLimitError))
