"""Errors that the body of a reply with status 200 states."""

import pytest

from socialframe.messages.reply_errors import stated_doubt, stated_error

ERRORS = [
    ({"error": "down", "accounts": []}, "down", None),
    ({"error": {"message": "Expired.", "code": 190}, "data": []}, "Expired.", "190"),
    ({"success": False, "message": "no such account", "posts": []}, "no such account", None),
    ({"ok": False, "error": "invalid_auth"}, "invalid_auth", None),
    ({"data": None, "errors": [{"message": "Field x", "extensions": {"code": "BAD"}}]},
     "Field x", "BAD"),
    ({"code": 40100, "message": "Too many requests.", "data": {}}, "Too many requests.", "40100"),
    ({"code": "17", "msg": "no permission", "data": {"list": [], "page": 1}},
     "no permission", "17"),
    ({"errcode": 40001, "errmsg": "invalid credential"}, "invalid credential", "40001"),
    ({"status": "error", "message": "try later", "items": []}, "try later", None),
    ({"status": 503, "message": "maintenance", "items": []}, "maintenance", "503"),
    ({"meta": {"status": "failed", "msg": "locked"}, "response": []}, "locked", None),
    ({"result": {"error": {"text": "x", "reason": "quota"}, "items": []}}, "quota", None),
    ({"a": {"b": {"fault": {"faultstring": "Spike arrest"}}}, "rows": []}, "Spike arrest", None),
    ({"error": True, "message": "nope", "rows": []}, "nope", None),
    ({"posts": {"rows": [], "userErrors": [{"message": "bad id"}]}}, "bad id", None),
    ({"status": "fail", "data": {"title": "A title is needed"}}, "A title is needed", None),
    ({"success": 0, "message": "No permission", "data": []}, "No permission", None),
    ({"hasError": True, "message": "m", "rows": []}, "m", None),
    ({"error_code": 4, "error_description": "limit", "rows": []}, "limit", "4"),
]  # fmt: skip
FINE = [
    {"errors": [], "rows": []},
    {"error": None, "error_message": "", "rows": []},
    {"error": {"code": 0, "message": "ok"}, "data": {"list": []}},
    {"error": {"code": "ok", "message": "", "log_id": "x1"}, "data": {"videos": []}},
    {"success": True, "code": 0, "message": "ok", "rows": []},
    {"code": 200, "status": "success", "data": []},
    {"code": 1, "msg": "success", "data": []},
    {"code": "SUCCESS", "message": "done", "data": []},
    {"rows": [], "warnings": ["slow"], "meta": {"status": "ok"}},
    {"rows": [], "summary": {"errors": 3, "failed": 1}},
    {"rows": [], "status": "published", "message": "3 posts"},
    {"rows": [{"error": "x", "status": "failed", "success": False}]},
    [],
    None,
    "text",
]


@pytest.mark.parametrize(("envelope", "sentence", "code"), ERRORS)
def test_the_sentence_and_the_code_of_an_error_are_found(envelope, sentence, code):
    """In each usual spelling, in the envelope and in the objects in it."""
    assert stated_error(envelope) == (sentence, code)


@pytest.mark.parametrize("envelope", FINE)
def test_an_empty_field_for_errors_is_no_error(envelope):
    """Warnings, counts and the fields of rows are none either."""
    assert stated_error(envelope) is None


@pytest.mark.parametrize(
    "envelope",
    [
        {"rows": [], "failedAccounts": [{"id": "a"}]},
        {"rows": [], "errors": ["account a is locked"]},
        {"rows": [], "meta": {"partial_failures": {"a": "locked"}}},
        {"rows": [], "success": False},
        {"rows": [], "error": "partial result"},
        {"rows": [], "code": 500},
        {"rows": [], "incomplete_results": True},
    ],
)
def test_an_error_beside_rows_is_a_doubt(envelope):
    """The rows of the envelope were replaced."""
    assert stated_doubt(envelope)


@pytest.mark.parametrize("envelope", FINE)
def test_no_error_is_no_doubt(envelope):
    """A failed row is not a failed reply."""
    assert not stated_doubt(envelope)


def test_a_missing_resource_that_is_named_is_no_doubt():
    """It has no rows that could be missing."""
    envelope = {"data": [], "errors": [{"title": "Not Found Error", "resource_id": "12"}]}

    assert not stated_doubt(envelope)
    assert stated_error(envelope) == ("Not Found Error", None)
