"""Finding the error that the envelope of a reply states."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import KEY, Scripted, client_of

import socialframe as sf
from socialframe.messages.reply_errors import says_rate_limit, stated_doubt, stated_error


@pytest.mark.parametrize(
    ("envelope", "sentence", "code"),
    [
        ({"error": "down", "accounts": []}, "down", ""),
        ({"error": "RateLimited", "message": "Wait a bit"}, "RateLimited", ""),
        ({"error": {"message": "No", "code": "forbidden"}}, "No", "forbidden"),
        ({"error": {"code": {"x": 1}, "detail": "No"}}, "No", ""),
        ({"error": True, "msg": "closed"}, "closed", ""),
        ({"error": 7, "msg": "closed"}, "closed", ""),
        ({"fault": {"faultstring": "x"}}, "x", ""),
        ({"errors": ["a", "a", "b"], "rows": []}, "a", ""),
        ({"errors": ["a", "b", "c", "d"]}, "a", ""),
        (
            {"data": None, "errors": [{"message": "m", "extensions": {"code": "THROTTLED"}}]},
            "m",
            "THROTTLED",
        ),
        ({"data": {"posts": None, "userErrors": [{"message": "m"}]}}, "m", ""),
        ({"success": False, "message": "rate limit"}, "rate limit", ""),
        ({"success": "false", "rows": []}, "The reply has 'success': false", ""),
        ({"ok": False, "error": "ratelimited"}, "ratelimited", ""),
        ({"ok": False, "error": "", "id": 3}, "The reply has 'ok': False", ""),
        ({"status": "error", "message": "m", "code": 12}, "m", "12"),
        ({"status": "fail", "data": {"title": "missing"}}, "missing", ""),
        ({"status": "failed", "posts": []}, "The reply has 'status': failed", ""),
        ({"object": "error", "status": 429, "code": "rate_limited", "message": "m"}, "m", "*"),
        ({"status": "OVER", "results": [], "error_message": "Too much"}, "Too much", "OVER"),
        ({"errcode": 45009, "errmsg": "daily quota"}, "daily quota", "45009"),
        ({"meta": {"code": 429, "error_type": "Limit", "error_message": "m"}}, "m", "429"),
        ({"status": {"message": "Exceeded", "status_code": 429}}, "Exceeded", "429"),
        ({"code": 40100, "message": "Too many", "data": {}}, "Too many", "40100"),
        ({"code": 17, "message": "limit reached", "data": []}, "limit reached", "17"),
        ({"code": 17, "message": "Sorry"}, "Sorry", "17"),
        ({"code": "E_LIMIT", "message": "Sorry", "request_id": "r"}, "Sorry", "E_LIMIT"),
        ({"type": "about:blank", "title": "Too Many", "status": 429}, "Too Many", "*"),
        ({"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "m"}}, "m", "-32005"),
    ],
)
def test_stated_error_has_the_sentence_and_the_code(envelope, sentence, code):
    """In each spelling."""
    found = stated_error(envelope)

    assert found is not None
    assert found[0] == sentence
    assert code in ("*", found[1] or "")


@pytest.mark.parametrize(
    "envelope",
    [
        None,
        [],
        [{"error": "x"}],
        {},
        {"errors": [], "error": None, "fault": {}, "success": True, "ok": True, "rows": []},
        {"error": "", "code": 0, "message": "ok", "warnings": ["Some rows are old"], "rows": []},
        {"error": False, "code": 200, "message": "OK", "data": []},
        {"error": {"code": "ok", "message": "", "log_id": "20220829"}, "data": {"videos": []}},
        {"error": {"code": 0, "message": None}, "data": []},
        {"errors": [None, {}, ""], "data": []},
        {"code": "200", "msg": "success", "data": []},
        {"code": 1, "msg": "Fetched successfully", "data": []},
        {"code": 20000, "message": "操作成功", "data": {}},
        {"code": 840, "name": "US dollar", "description": "A currency"},
        {"code": 404, "name": "Room", "rows": []},
        {"status": "ok", "message": "No posts failed", "posts": []},
        {"status": "active", "message": "hello"},
        {"status": {"error_code": 0, "error_message": None, "credit_count": 1}, "data": []},
        {"posts": [{"status": "failed", "error": "Rate limit"}], "message": "Rate limit"},
        {"message": "hello"},
        {"total": 3, "description": "The rate limit is 60 requests", "rows": []},
    ],
)
def test_envelope_without_an_error_states_none(envelope):
    """Empty signs, codes of success, and records that failed are no errors."""
    assert stated_error(envelope) is None


def test_error_of_a_200_is_redacted_and_short():
    """The API may repeat the key."""
    body = {"error": {"message": f"{KEY} " * 99, "code": KEY * 9}, "rows": []}

    with pytest.raises(sf.APIError) as caught:
        client_of(Scripted(body)).fetch("/v1/rows").frame()

    assert KEY not in f"{caught.value!r} {caught.value} {caught.value.code}"
    assert len(str(caught.value)) <= 600
    assert len(caught.value.code) <= 80


@pytest.mark.parametrize(
    ("sentence", "code", "expected"),
    [
        ("Too many requests. Please retry in some time.", "40100", True),
        ("m", "RATE_LIMIT_EXCEEDED", True),
        ("m", "rateLimitExceeded", True),
        ("m", "TooManyRequestsException", True),
        ("m", "429", True),
        ("m", "OVER_QUERY_LIMIT", True),
        ("ratelimited", "", True),
        ("(#4) Application request limit reached", "4", True),
        ("Quota exceeded for today", "", True),
        ("Throttled", "", True),
        ("You have reached your API limit.", "429", True),
        ("limit must be at most 100", "VALIDATION", False),
        ("Not found", "404", False),
        ("", "", False),
    ],
)
def test_says_rate_limit(sentence, code, expected):
    """By a word of the sentence or of the code."""
    assert says_rate_limit(sentence, code) is expected


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "errors", "code", "message", "status", "data", "ok", "meta"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(VALUES)
def test_any_envelope_states_an_error_or_none(envelope):
    """It never fails, and a stated error has a sentence."""
    found = stated_error(envelope)

    assert found is None or (found[0] and isinstance(found[1], str | None))


@pytest.mark.parametrize(
    "beside",
    [
        {"status": "unauthorized"},
        {"status": "OVER_QUERY_LIMIT"},
        {"code": "rate_limited"},
        {"code": "access_denied", "total": 0},
        {"status_code": 8, "status_msg": "x"},
        {"header": {"resultCode": "99", "resultMsg": "ERR"}},
        {"success": "N"},
        {"errorCount": 2},
        {"lastErrorCode": 7},
        {"detail": "Token expired"},
        {"message": "Too many requests"},
    ],
)
def test_a_failure_beside_an_empty_list_is_an_error(beside):
    """Also a code in words without a sentence, and a sentence without a code."""
    assert stated_error({"rows": [], **beside}) is not None


@pytest.mark.parametrize(
    "beside",
    [
        {"status": "completed"},
        {"message": "No posts found"},
        {"message": "No expired posts"},
        {"detail": "3 posts"},
        {"code": "USD"},
        {"errorCount": 0},
        {"last_error_code": 0},
        {"header": {"resultCode": "00", "resultMsg": "NORMAL SERVICE."}},
        {"status": "ok", "message": "The limit is not exceeded"},
    ],
)
def test_other_words_beside_an_empty_list_are_no_error(beside):
    """They say that there are no rows."""
    assert stated_error({"rows": [], **beside}) is None


@pytest.mark.parametrize(
    ("beside", "shown"),
    [
        ({"exceededTransferLimit": True}, "exceededTransferLimit"),
        ({"complete": False}, "complete"),
        ({"isComplete": False, "nextCursor": None}, "isComplete"),
        ({"status": "partial"}, "status"),
        ({"_shards": {"total": 5, "successful": 3, "failed": 2}}, "failed"),
        ({"complete": False, "nextCursor": "c"}, ""),
        ({"complete": False, "page": 1, "pages": 2}, ""),
        ({"complete": True, "status": "ok"}, ""),
        ({"_shards": {"total": 5, "successful": 5, "failed": 0}}, ""),
    ],
)
def test_a_flag_of_missing_rows_is_a_doubt(beside, shown):
    """Unless the flag only announces the next page."""
    doubt = stated_doubt({"rows": [], **beside})

    assert shown in doubt
    assert bool(doubt) is bool(shown)
