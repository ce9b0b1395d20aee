"""Nothing that a run leaves behind has the key."""

import base64
import pickle
import subprocess
import sys
import traceback
import warnings
from pathlib import Path
from urllib.parse import quote

import pytest
from stand_ins import KEY, Scripted, client_of, posts_page, raw_server, response

import socialframe as sf
from socialframe.secret import Secret

RUN = """
import logging, sys, traceback
logging.basicConfig(level=logging.DEBUG, filename="debug.log")
import socialframe as sf
from socialframe.messages.call import Call
try:
    import faulthandler; faulthandler.enable()
    key, url, bad = sys.argv[1:]
    api = sf.Client(key, base_url=url, tier="paid", progress=True)
    print(api, [api], vars(api), api.posts(), repr(api.posts().columns))
    df = api.posts(since="2026-08-01").frame()
    print(df, df.attrs)
    api.posts(since="2026-10-01").to_parquet("posts.parquet")
    api.analytics().to_csv("analytics.csv")
    api.followers().to_jsonl("followers.jsonl")
    sf.to_parquet(df, "frame.parquet")
    df.to_pickle("frame.pickle")
finally:
    for attempt in (
        lambda: sf.Client(key, base_url=bad, tier="paid").accounts().frame(),
        lambda: sf.Client(key + "x", base_url=url).accounts().frame(),
        lambda: sf.Client(key + " ", base_url=url),
        lambda: api._send(Call("/v1/nothing")),
        lambda: api.posts(per_page=1000).frame(),
        lambda: sf.Client(key, base_url="http://api.example"),
    ):
        try:
            attempt()
        except sf.SocialFrameError as error:
            traceback.print_exc()
            ours = lambda frame: "socialframe" in frame.filename or "http" in frame.filename
            shown = traceback.TracebackException.from_exception(error, capture_locals=True)
            while shown:
                print([(f.name, f.locals) for f in shown.stack if ours(f)])
                shown = shown.__cause__ or shown.__context__
            import pickle; open(f"{type(error).__name__}.pickle", "wb").write(pickle.dumps(error))
        else:
            raise AssertionError("it did not fail")
"""


@pytest.mark.processes
@pytest.mark.sockets
def test_output_logs_tracebacks_and_files_have_no_key(tmp_path):
    """The run succeeds, fails in each way, logs at DEBUG and shows local variables."""
    work = tmp_path / "work"
    work.mkdir()
    sandbox = sf.Sandbox()
    echo = response(
        b'{"error": "Invalid API key ' + sandbox.key.encode() + b'"}', status="401 Nope"
    )
    with sandbox.serve() as url, raw_server([echo]) as (bad, _):
        result = subprocess.run(
            [sys.executable, "-c", RUN, sandbox.key, url, bad],
            cwd=work,
            capture_output=True,
            timeout=120,
            check=False,
        )

    assert result.returncode == 0, result.stderr.decode()[-3000:]
    files = [path for path in work.rglob("*") if path.is_file()]
    assert {"debug.log", "posts.parquet", "AuthenticationError.pickle"} <= {p.name for p in files}
    assert b"GET /v1/posts" in (work / "debug.log").read_bytes()
    left = {
        "stdout": result.stdout,
        "stderr": result.stderr,
        **{p.name: p.read_bytes() for p in files},
    }
    for name, content in left.items():
        for secret in (
            sandbox.key.encode(),
            sandbox.key[3:].encode(),
            base64.b64encode(sandbox.key.encode()),
        ):
            assert secret not in content, name


ECHO = quote(KEY).replace("_", "%5F")


@pytest.mark.parametrize(
    "second",
    [
        {KEY: {"posts": []}, "b": 1},
        {"posts": {KEY: 1}},
        {"posts": [1], KEY: 2},
        (400, {"error": f"Bad {ECHO}", "code": KEY}),
        (400, {"errors": {KEY: ["is bad"]}}),
        (200, {"error": {KEY: ECHO}, "posts": []}),
        (302, b"", {"Location": f"https://other.example/{ECHO}?k={KEY}"}),
        (500, f"<p>{KEY}</p>".encode()),
        (200, f"{KEY} is no JSON".encode()),
        {"posts": [{"id": "b"}], "pagination": {"page": 2, "pages": 3, "next": KEY}, KEY: KEY},
    ],
)
def test_a_key_that_the_api_echoes_is_in_no_text(second):
    """As a member's name or percent-encoded: errors, pickles, walks, warnings, provenance."""
    app = Scripted(posts_page(["a"], page=1, pages=3), second, (400, {"error": KEY}))
    api = client_of(app)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for query in (api.posts(per_page=1), api.fetch("/v1/posts", params={"limit": 1})):
            app.seen.clear()
            try:
                texts = [str(query.frame().attrs)]
            except sf.SocialFrameError as error:
                shown = traceback.TracebackException.from_exception(error)
                texts = [*shown.format(), pickle.dumps(error).decode(errors="replace")]
            texts.append(repr(query))
            texts += [sf.walks().to_json(), *(str(one.message) for one in caught)]
            assert all(KEY[3:] not in text for text in texts)


def test_the_key_is_reachable_from_a_query_only_through_reveal():
    """No attribute of a query or its client has a text with the key."""
    sandbox = sf.Sandbox()
    api = sf.Client.sandbox(sandbox)
    query = api.posts(since="2026-10-01")
    query.frame()
    seen, waiting, texts = set(), [query._plan, vars(api), vars(api._session.transport)], []
    while waiting:
        value = waiting.pop()
        if id(value) in seen or value is sandbox:
            continue
        seen.add(id(value))
        texts.append(repr(value))
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list | tuple | set):
            waiting += value
        elif type(value).__module__.startswith("socialframe"):
            names = {*getattr(value, "__slots__", ()), *getattr(value, "__dict__", ())}
            if not isinstance(value, Secret):
                waiting += [getattr(value, name, None) for name in names]

    assert len(texts) > 20
    assert all(sandbox.key not in text for text in texts)


def test_data_and_documentation_have_no_real_key():
    """Only the placeholder of the example file."""
    root = Path(__file__).parents[2]
    for path in [*(root / "data").rglob("*.jsonl"), root / "README.md", root / ".env.example"]:
        assert "sk_" not in path.read_text(encoding="utf-8").replace("sk_replace_me", "")
