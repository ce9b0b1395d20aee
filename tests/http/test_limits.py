"""Responses that state a rate limit with any status, and answers that are not ready."""

import json
import pickle

import pytest
from stand_ins import KEY, Clock, Scripted, client_of

import socialframe as sf
from socialframe.messages.call import Call, SecretCall

OK = {"accounts": []}
CALL = Call("/v1/accounts")
GOOGLE = {
    "error": {
        "code": 403,
        "message": "Rate Limit Exceeded",
        "errors": [{"domain": "usageLimits", "reason": "rateLimitExceeded", "message": "m"}],
    }
}


@pytest.mark.parametrize(
    "refusal",
    [
        (403, GOOGLE),
        (403, b"", {"Retry-After": "1"}),
        (403, {"message": "API rate limit exceeded for user"}),
        (403, {"error": {"message": "(#4) Application request limit reached", "code": 4}}),
        (403, b"Too Many Requests", {"Content-Type": "text/plain"}),
        (400, {"message": "User request limit reached", "code": 17}),
        (400, {"errors": [{"code": "QUOTA_EXCEEDED", "detail": "No"}]}),
        (420, b""),
        (429, b""),
        {"code": 40100, "message": "Too many requests. Please retry.", "data": {}},
        {"error": {"code": "rate_limit_exceeded"}},
        {"success": False, "message": "rate limit"},
        {"data": None, "errors": [{"message": "m", "extensions": {"code": "THROTTLED"}}]},
    ],
)
def test_rate_limit_of_any_status_is_retried(refusal):
    """After its wait or a backoff."""
    app, clock = Scripted(refusal, OK), Clock()

    assert client_of(app, clock=clock)._send(CALL).body == json.dumps(OK).encode()
    assert len(app.seen) == 2
    assert len(clock.slept) == 1


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ((403, GOOGLE, {"Retry-After": "121"}), "403 Rate Limit Exceeded"),
        ((400, {"message": "Quota exceeded"}, {"Retry-After": "121"}), "400 Quota exceeded"),
        ((429, {"retry_after": 121.5}), "429 Too Many Requests"),
        ((429, {"error": {"data": {"retryAfter": 121.5}}}), "429"),
        (
            (200, {"code": 40100, "message": "Too many requests"}, {"Retry-After": "121"}),
            "200 Too many requests",
        ),
    ],
)
def test_longer_wait_than_max_wait_raises_at_once(refusal, words):
    """A RateLimitError that knows retry_after; nothing is asked again."""
    app, clock = Scripted(refusal, OK), Clock()

    with pytest.raises(sf.RateLimitError, match=words) as caught:
        client_of(app, clock=clock)._send(CALL)

    assert (len(app.seen), clock.slept) == (1, [])
    assert caught.value.retry_after in (121.0, 121.5)
    assert caught.value.retryable
    assert caught.value.status_code == refusal[0]


def test_rate_limit_that_does_not_end_raises_rate_limit_error():
    """With the sentence of the API."""
    app, clock = Scripted((403, GOOGLE, {"Retry-After": "7"})), Clock()

    with pytest.raises(sf.RateLimitError, match="Rate Limit Exceeded"):
        client_of(app, clock=clock, max_wait=30)._send(CALL)

    assert (len(app.seen), sum(clock.slept)) == (5, 28.0)


def test_retry_after_in_the_body_is_waited_for():
    """If no header says it."""
    app, clock = Scripted((429, {"error": {"data": {"retryAfter": 1.493}}}), OK), Clock()

    client_of(app, clock=clock)._send(CALL)

    assert sum(clock.slept) == pytest.approx(1.493)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((403, {"error": "Not your account"}), sf.APIError),
        ((400, {"error": "limit must be at most 100", "code": "VALIDATION"}), sf.ValidationError),
        ((401, {"error": "rate limit"}), sf.AuthenticationError),
        ((404, {"error": "No quota of this name"}), sf.NotFoundError),
        ((403, {"error": "x" * 5000 + "rate limit"}), sf.APIError),
    ],
)
def test_other_refusals_are_not_retried(answer, error):
    """A wait would not help."""
    app = Scripted(answer)

    with pytest.raises(error) as caught:
        client_of(app)._send(CALL)

    assert type(caught.value) is error
    assert len(app.seen) == 1


@pytest.mark.parametrize(
    "page",
    [
        {"accounts": [{"accountId": "a", "error": "rate limit", "status": "failed"}], "limit": 10},
        {"accounts": [{"message": "Too many requests"}], "message": "throttled accounts"},
        [{"error": "rate limit exceeded"}],
        {"id": "p1", "status": "failed", "error": "rate limit exceeded"},
        {"error": "x" * 5000 + " rate limit", "accounts": []},
        {"error": "The account is closed", "limit": 10},
    ],
)
def test_text_of_a_row_is_no_rate_limit(page):
    """Only the envelope of a small reply states one."""
    app = Scripted(page, OK)

    assert client_of(app)._send(CALL).body == json.dumps(page).encode()
    assert len(app.seen) == 1


def test_rate_limit_during_the_try_of_a_scheme_is_no_refused_parameter():
    """A 400 that states a rate limit says nothing about the parameter."""
    limited = (400, {"message": "rate limit exceeded"}, {"Retry-After": "500"})
    app = Scripted({"posts": [{"_id": "a"}], "hasMore": True}, limited)

    with pytest.raises(sf.IncompleteWalk) as caught:
        client_of(app).posts().frame()

    assert caught.value.retry_after == 500.0
    assert len(app.seen) == 2


def test_202_is_asked_again():
    """Until the answer is ready, after Retry-After or a backoff."""
    app, clock = Scripted((202, {}), (202, {}, {"Retry-After": "3"}), OK), Clock()

    assert client_of(app, clock=clock)._send(CALL).status == 200
    assert len(app.seen) == 3
    assert 3.0 <= sum(clock.slept) <= 4.0


@pytest.mark.parametrize("body", [{}, {"status": "pending", "accounts": []}, b""])
def test_202_that_stays_is_an_error(body):
    """It says that the answer is not ready, and may be retried."""
    app, clock = Scripted((202, body, {"Retry-After": "40"})), Clock()

    with pytest.raises(sf.APIError, match="202 the answer is not ready yet") as caught:
        client_of(app, clock=clock).accounts().frame()

    assert (len(app.seen), sum(clock.slept)) == (4, 120.0)
    assert caught.value.retryable
    assert (caught.value.status_code, caught.value.retry_after) == (202, 40.0)


def test_202_of_a_post_is_its_answer():
    """What was accepted must not be sent twice."""
    app = Scripted((202, {"queued": True}))

    assert client_of(app)._send(SecretCall("/v1/x", method="POST")).status == 202
    assert len(app.seen) == 1


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (201, b"", "got status 201 without a JSON body. Its body is empty"),
        (206, b'[{"id": 1}', "got status 206 without a JSON body. The reply is not JSON"),
        (203, b"<html>", "got status 203 without a JSON body"),
    ],
)
def test_other_status_without_a_json_body_is_named(status, body, words):
    """An error about JSON alone would hide it."""
    with pytest.raises(sf.ReplyError, match=words) as caught:
        client_of(Scripted((status, body))).accounts().frame()

    assert caught.value.status_code == status


@pytest.mark.parametrize("name", ["X-Request-Id", "X-Correlation-Id", "Request-Id"])
def test_error_has_the_request_id(name):
    """In its sentence and as an attribute."""
    app = Scripted((404, {"error": "No"}, {name: "r-17"}))

    with pytest.raises(sf.NotFoundError, match=r"404 No \[request id r-17\]") as caught:
        client_of(app)._send(CALL)

    assert caught.value.request_id == "r-17"
    copied = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - made here
    assert copied.request_id == "r-17"


def test_request_id_is_redacted_and_short():
    """A proxy may put anything there."""
    app = Scripted((404, {}, {"X-Request-Id": f"{KEY} {'x' * 999}"}))

    with pytest.raises(sf.NotFoundError) as caught:
        client_of(app)._send(CALL)

    assert KEY not in str(caught.value)
    assert len(caught.value.request_id) <= 100


def test_error_of_a_page_has_the_request_id_of_its_reply():
    """So has the walk that ends with it, in its provenance too."""
    pages = {"pagination": {"page": 1, "pages": 2}}
    first = (200, {"posts": [{"_id": "a"}], **pages}, {"X-Request-Id": "r-1"})
    app = Scripted(first, (200, b"<html>", {"X-Request-Id": "r-2"}))

    with pytest.raises(sf.IncompleteWalk) as caught:
        client_of(app).posts().frame()

    assert caught.value.request_id == "r-2"
    assert caught.value.__cause__.__notes__ == ["The id of the request is r-2."]


def test_provenance_has_the_request_id_of_the_last_reply():
    """In the facts and in the line; without one, the line has no word about it."""
    app = Scripted((200, OK, {"X-Request-Id": "r-9"}), OK)
    api = client_of(app)
    frame, other = api.accounts().frame(), api.accounts().frame()

    assert frame.attrs["socialframe"]["request_id"] == "r-9"
    assert "last request r-9" in sf.provenance(frame)
    assert other.attrs["socialframe"]["request_id"] is None
    assert "last request" not in sf.provenance(other)
