"""Recorded walks of nine public APIs, replayed on loopback by a server that checks each request.

The tests are collected only if the recordings exist: in ``../shared/samples`` beside the checkout,
or in the folder ``SOCIALFRAME_SAMPLES``. Otherwise the header of the test run says so; the made-up
pages of the other tests always cover the same schemes and difficult cases.
"""

import importlib.util
import json
import re
import shutil
import threading
import warnings

import pytest
from recordings import FOLDER, same

import socialframe as sf
from socialframe.messages.envelope import parse
from socialframe.messages.paths import get_path
from socialframe.paging import Auto, Cursor, LinkHeader, NextURL, PageNumber

# The replay server leaves its files to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

KEY = "sk_test_made0up"
SEQUENCES = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))["sequences"]
NAMES = [one["name"] for one in SEQUENCES]
BY_NAME = {one["name"]: one for one in SEQUENCES}

#: How each API says that it pages.
DECLARED = {
    "reddit_modnotes": Cursor(field="end_cursor", param="before", more="has_next_page"),
    "slack_users_list": Cursor(field="response_metadata.next_cursor", param="cursor"),
    "mastodon_tag_timeline": LinkHeader(),
    "youtube_subscriptions": Cursor(field="nextPageToken", param="pageToken"),
    "twitter2_liked_tweets": Cursor(field="meta.next_token", param="pagination_token"),
    "inat_observations": PageNumber(total_rows="total_results"),
    "deezer_artist_albums": NextURL(field="next"),
    "s2_author_papers": Cursor(field="next", param="offset"),
    "harvest_time_entries": PageNumber(next_page="next_page"),
}
#: Those whose replies say how to go on, by a well-known name or otherwise; two need a hint.
SELF_EXPLAINING = {
    "mastodon_tag_timeline",
    "inat_observations",
    "deezer_artist_albums",
    "harvest_time_entries",
    "slack_users_list",
    "youtube_subscriptions",
    "s2_author_papers",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Return a copy of the recordings.

    One recording is not valid JSON: a replaced URL in it starts after a backslash. The copy escapes
    the backslash and is otherwise identical.
    """
    copied = tmp_path_factory.mktemp("samples") / "samples"
    shutil.copytree(FOLDER, copied, copy_function=shutil.copyfile)
    for folder in [copied, *copied.iterdir()]:
        if folder.is_dir():
            folder.chmod(0o755)
    for path in copied.glob("youtube_subscriptions/page-*.json"):
        path.write_bytes(path.read_bytes().replace(rb"\person", rb"\\person"))
    return copied


@pytest.fixture
def replayed(root, tmp_path):
    """Serve the recordings; return the base URL, their folder and a check of the requests."""
    spec = importlib.util.spec_from_file_location("serve", FOLDER / "serve.py")
    serve = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(serve)
    log = str(tmp_path / "requests.jsonl")
    server = serve.make_server(str(root), 0, log)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield (
        f"http://127.0.0.1:{server.server_address[1]}",
        root,
        lambda name: serve.check(str(root), log, [name]),
    )
    server.shutdown()
    server.server_close()
    server.logf.close()
    thread.join()


def query(api, name, paging):
    """Return the walk of a recording."""
    one = BY_NAME[name]
    records = "" if one["records_path"] in {"", "(root array)"} else one["records_path"]
    return api.fetch(
        one["serve"]["start_path"],
        params=one["serve"]["start_query"],
        records=records,
        paging=paging,
        key=one["primary_key"],
    )


def recorded(root, name):
    """Return each record of a recording, as Python parses its JSON."""
    one = BY_NAME[name]
    path = "" if one["records_path"] in {"", "(root array)"} else one["records_path"]
    rows = []
    for number in range(1, one["pages"] + 1):
        rows += get_path(parse((root / name / f"page-{number}.json").read_bytes()), path) or []
    return rows


def client(url):
    return sf.Client(KEY, base_url=url, tier=sf.Limit(10_000))


@pytest.mark.sockets
@pytest.mark.parametrize("name", NAMES)
def test_a_declared_scheme_returns_each_row_exactly(replayed, name):
    """Rows are those of the index, values those of the JSON, and each request is expected."""
    url, root, checked = replayed
    expected = recorded(root, name)
    assert len(expected) == BY_NAME[name]["expected_rows"]

    with client(url) as api:
        records = list(query(api, name, DECLARED[name]).records())
        calls, right = checked(name)
        table = query(api, name, DECLARED[name]).arrow()

    assert right, calls
    assert [without_hosts(record) for record in records] == [
        without_hosts(record) for record in expected
    ]
    assert table.num_rows == len(expected)
    for row, record in zip(table.to_pylist(), records, strict=True):
        for member, value in record.items():
            assert same(row[member], value), member


@pytest.mark.sockets
@pytest.mark.parametrize("name", NAMES)
def test_a_detected_scheme_returns_each_row_or_names_the_scheme_to_pass(replayed, name):
    """Exact if the reply has paging fields; otherwise rows are never lost silently."""
    url, root, _ = replayed
    expected = [record[BY_NAME[name]["primary_key"]] for record in recorded(root, name)]

    with client(url) as api, warnings.catch_warnings():
        warnings.simplefilter("error", sf.WalkWarning)
        try:
            found = [
                record[BY_NAME[name]["primary_key"]]
                for record in query(api, name, Auto()).records()
            ]
        except (sf.IncompleteWalk, sf.WalkWarning) as error:
            found = str(error)

    if name in SELF_EXPLAINING:
        assert found == expected
    elif found != expected:
        assert isinstance(found, str)
        assert "paging=Cursor(field=" in found


@pytest.mark.sockets
@pytest.mark.parametrize("name", NAMES)
def test_the_only_list_of_objects_is_found_or_an_error_names_the_keys(replayed, name):
    """If a body has several lists of objects, records=… must be passed."""
    url, _, _ = replayed
    one = BY_NAME[name]
    with client(url) as api:
        asked = api.fetch(
            one["serve"]["start_path"], params=one["serve"]["start_query"], paging=DECLARED[name]
        )
        try:
            count = len(asked.arrow())
        except sf.ReplyError as error:
            count = str(error)

    assert count == one["expected_rows"] or "Pass records=" in count


def without_hosts(value):
    """Return a value without the hosts of its URLs; the replay rewrites some of them."""
    text = json.dumps(value, sort_keys=True)
    return re.sub(r"https?://[^/\"]+(/[a-z0-9_]+(?=/(api|v\d|artist|graph|youtube|2)/))?", "", text)
