"""Each documented GET answer of the sandbox through ``fetch``."""

import httpx
import pytest
from stand_ins import Scripted, client_of

import socialframe as sf
from socialframe.messages.paths import get_path
from socialframe.sandbox import Sandbox

FILLED = {"{postId}": "post_731d815191", "{platform}": "instagram"}

# The path of the list in each body; "." is the body and "post." the object at "post", as one row.
ROWS = {
    "/v1/accounts": "accounts",
    "/v1/accounts/health": "accounts",
    "/v1/posts": "posts",
    "/v1/posts/post_731d815191": ".",
    "/v1/connect/instagram": ".",
}


@pytest.fixture(scope="module")
def answers():
    """Return the body of each documented GET by its path."""
    sandbox = Sandbox(key="sk_demo", sleep=lambda _: None)
    headers = {"Authorization": "Bearer sk_demo"}
    api = httpx.Client(
        transport=httpx.WSGITransport(app=sandbox), base_url="http://x", headers=headers
    )
    paths = api.get("/openapi.json").json()["paths"]
    found = {}
    for template, item in paths.items():
        if "get" in item:
            path = template
            for name, value in FILLED.items():
                path = path.replace(name, value)
            found[path] = api.get(path)
    return found


@pytest.mark.filterwarnings("ignore::socialframe.errors.WalkWarning")
def test_each_documented_get_gives_its_rows_or_an_error_that_says_what_to_pass(answers):
    """Never other rows."""
    assert len(answers) >= 8
    right = set()
    for path, answer in answers.items():
        api = client_of(Scripted((answer.status_code, answer.content)))
        try:
            found = list(api.fetch(path, paging=sf.paging.Single()).limit(1000).records())
        except sf.SocialFrameError as error:
            found = str(error)
        body = answer.json()
        if answer.status_code != 200:
            assert body["error"] in found
        elif isinstance(found, str):
            assert "records=" in found
        else:
            rows = get_path(body, ROWS[path].rstrip("."))
            assert found == (rows if isinstance(rows, list) else [rows])
            right.add(path)
    assert right == set(ROWS)
