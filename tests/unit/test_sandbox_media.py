"""Uploads seen from outside: the API gives an address, another port takes the bytes."""

from __future__ import annotations

import gc
import hashlib
import json
import re
import socket
import tempfile
import tracemalloc
from urllib.parse import quote, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialframe.sandbox import Sandbox

BASE = "http://sandbox.example"
UPLOADS = "http://uploads.sandbox.invalid"
PNG = b"\x89PNG\r\n\x1a\n made up"
TYPES = [
    *("image/jpeg", "image/png", "image/webp", "image/gif"),
    *("video/mp4", "video/quicktime", "video/webm"),
]
IMAGE = {"Content-Type": "image/png"}


class Wall:
    """A wall clock that a test sets."""

    now = 1_795_000_000.0

    def __call__(self):
        return self.now


def api(sandbox):
    """Open a client of the API, with the key."""
    return httpx.Client(
        transport=httpx.WSGITransport(app=sandbox),
        base_url=BASE,
        headers={"Authorization": f"Bearer {sandbox.key}"},
    )


def outside(sandbox):
    """Open a client that reaches the uploads of a sandbox in process; it has no key."""
    return httpx.Client(mounts={UPLOADS: httpx.WSGITransport(app=sandbox.uploads)})


def presign(sandbox, content_type="image/png"):
    body = {"filename": "hours.png", "contentType": content_type}
    with api(sandbox) as client:
        reply = client.post("/v1/media/presign", json=body)
    assert reply.status_code == 200
    return reply.json()


def code(reply):
    """Return the code of an error of the store, after a look at its form."""
    assert reply.headers["Content-Type"] == "application/xml"
    assert reply.headers["X-Sandbox"] == "made-up data"
    return re.search("<Error><Code>(.+)</Code><Message>.+</Message></Error>", reply.text).group(1)


@pytest.mark.parametrize("content_type", TYPES)
def test_what_is_put_is_found_at_the_public_url(content_type):
    """Every format of section 7, without the key, as it came, and in a part."""
    sandbox = Sandbox()
    urls = presign(sandbox, content_type)
    with outside(sandbox) as client:
        before = client.get(urls["publicUrl"])
        put = client.put(urls["uploadUrl"], content=PNG, headers={"Content-Type": content_type})
        got = client.get(urls["publicUrl"])
        part = client.get(urls["publicUrl"], headers={"Range": "bytes=1-3"})
        past = client.get(urls["publicUrl"], headers={"Range": "bytes=900-"})

    assert list(urls) == ["uploadUrl", "publicUrl"]
    assert all(url.startswith(UPLOADS) for url in urls.values())
    assert (before.status_code, code(before)) == (404, "NoSuchKey")
    assert (put.status_code, put.content) == (200, b"")
    etag = f'"{hashlib.md5(PNG, usedforsecurity=False).hexdigest()}"'
    assert put.headers["ETag"] == got.headers["ETag"] == etag
    assert (got.content, got.headers["Content-Type"]) == (PNG, content_type)
    assert (part.status_code, part.content) == (206, b"PNG")
    assert (past.status_code, code(past)) == (416, "InvalidRange")


@pytest.mark.sockets
def test_a_served_sandbox_takes_the_bytes_on_another_port():
    """Both on loopback; both closed at the end, and then the address is that of this process."""
    sandbox = Sandbox()
    with sandbox.serve() as base_url, httpx.Client() as client:
        reply = client.post(
            f"{base_url}/v1/media/presign",
            json={"filename": "tea.mp4", "contentType": "video/mp4"},
            headers={"Authorization": f"Bearer {sandbox.key}"},
        )
        urls = reply.json()
        put = client.put(urls["uploadUrl"], content=PNG, headers={"Content-Type": "video/mp4"})
        got = client.get(urls["publicUrl"])
    store = urlsplit(urls["uploadUrl"])

    assert (put.status_code, got.status_code, got.content) == (200, 200, PNG)
    assert urlsplit(base_url).hostname == store.hostname == "127.0.0.1"
    assert urlsplit(base_url).port != store.port
    for port in (urlsplit(base_url).port, store.port):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
    assert presign(sandbox)["publicUrl"].startswith(UPLOADS)


@pytest.mark.sockets
def test_a_taken_port_leaves_nothing_open():
    """The uploads' port is closed again when that of the API cannot be had."""
    sandbox = Sandbox()
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="in use"),
        sandbox.serve(port=taken.getsockname()[1]),
    ):
        pass
    assert presign(sandbox)["uploadUrl"].startswith(UPLOADS)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"contentType": "image/png"}, "filename is required"),
        ({"filename": "a.png"}, "contentType is required"),
        ({"filename": "a.png", "contentType": None}, "contentType is required"),
        ({"filename": " ", "contentType": "image/png"}, "filename must be a text of 1 to 255"),
        ({"filename": 7, "contentType": "image/png"}, "filename must be a text of 1 to 255"),
        ({"filename": "a" * 256, "contentType": "image/png"}, "filename must be a text of 1 to"),
        ({"filename": "\ud800", "contentType": "image/png"}, "The body holds a value that cannot"),
        ({"filename": "a.exe", "contentType": "text/html"}, "contentType must be one of: image/jp"),
        ({"filename": "a.png", "contentType": ["image/png"]}, "contentType must be a text"),
        ([], "The body must be a JSON object"),
    ],
)
def test_a_presign_that_cannot_be_meant_is_refused(body, error):
    """By 400 and a sentence that names the field."""
    with api(Sandbox()) as client:
        reply = client.post("/v1/media/presign", content=json.dumps(body))

    assert reply.status_code == 400
    assert reply.json()["code"] == "VALIDATION_ERROR"
    assert reply.json()["error"].startswith(error)


def test_presign_needs_the_key():
    """It is a call of the API as any other."""
    sandbox = Sandbox()
    client = httpx.Client(transport=httpx.WSGITransport(app=sandbox), base_url=BASE)
    assert client.post("/v1/media/presign", json={}).json()["code"] == "AUTH_MISSING_KEY"


def test_the_fields_of_the_sibling_come_with_the_extra_ones():
    """The key, the kind of medium and the seconds."""
    told = presign(Sandbox(extra_fields=True), "image/gif")

    assert told["publicUrl"] == f"{UPLOADS}/{told['key']}"
    assert told["key"].endswith(".gif")
    assert (told["type"], told["expiresIn"]) == ("gif", 3600)


@pytest.mark.parametrize(
    ("change", "headers", "expected"),
    [
        (("X-Amz", "X-Amz"), {"Content-Type": "image/jpeg"}, "SignatureDoesNotMatch"),
        (("X-Amz", "X-Amz"), {}, "SignatureDoesNotMatch"),
        (("/up/", "/up/0"), IMAGE, "SignatureDoesNotMatch"),
        (("Expires=3600", "Expires=36000"), IMAGE, "SignatureDoesNotMatch"),
        (("Date=2026", "Date=2027"), IMAGE, "SignatureDoesNotMatch"),
        (("Signature=", "Signature=%FF"), IMAGE, "SignatureDoesNotMatch"),
        (("?", "?more=1&"), IMAGE, "SignatureDoesNotMatch"),
        (("&X-Amz-Signature", "&none"), IMAGE, "AccessDenied"),
    ],
)
def test_an_upload_is_refused_if_anything_was_changed(change, headers, expected):
    """Path, dates, type and signature must come back to the letter."""
    sandbox = Sandbox(wall=Wall())
    urls = presign(sandbox)
    with outside(sandbox) as client:
        reply = client.put(urls["uploadUrl"].replace(*change), content=PNG, headers=headers)
        assert client.get(urls["publicUrl"]).status_code == 404

    assert (reply.status_code, code(reply)) == (403, expected)


def test_the_order_of_the_query_does_not_matter():
    """Clients that take an address apart put it together in their own order."""
    sandbox = Sandbox()
    address, _, query = presign(sandbox)["uploadUrl"].partition("?")
    turned = "&".join(reversed(query.split("&")))
    with outside(sandbox) as client:
        assert client.put(f"{address}?{turned}", content=PNG, headers=IMAGE).status_code == 200


def test_an_upload_url_is_good_for_an_hour():
    """By the sandbox's clock, as often as wanted: the last bytes win."""
    wall = Wall()
    sandbox = Sandbox(wall=wall)
    urls = presign(sandbox)
    with outside(sandbox) as client:
        wall.now += 3599
        replies = [
            client.put(urls["uploadUrl"], content=body, headers=IMAGE) for body in (b"a", PNG)
        ]
        wall.now += 1
        late = client.put(urls["uploadUrl"], content=b"late", headers=IMAGE)
        got = client.get(urls["publicUrl"])

    assert [reply.status_code for reply in replies] == [200, 200]
    assert (late.status_code, code(late)) == (403, "AccessDenied")
    assert "Request has expired" in late.text
    assert got.content == PNG


def test_the_key_is_not_taken_where_it_does_not_belong():
    """A client that sends it to the store is refused, and the store does not repeat it."""
    sandbox = Sandbox()
    urls = presign(sandbox)
    leak = {**IMAGE, "Authorization": f"Bearer {sandbox.key}"}
    with outside(sandbox) as client:
        put = client.put(urls["uploadUrl"], content=PNG, headers=leak)
        get = client.get(urls["publicUrl"], headers=leak)

    for reply in (put, get):
        assert (reply.status_code, code(reply)) == (403, "AccessDenied")
        assert sandbox.key not in reply.text


def test_an_upload_url_is_of_one_sandbox():
    """Another one did not sign it, and has not the file."""
    one, other = Sandbox(), Sandbox()
    urls = presign(one)
    with outside(one) as client:
        client.put(urls["uploadUrl"], content=PNG, headers=IMAGE)
    with outside(other) as client:
        assert client.put(urls["uploadUrl"], content=PNG, headers=IMAGE).status_code == 403
        assert client.get(urls["publicUrl"]).status_code == 404


@pytest.mark.parametrize(
    ("length", "status", "expected"),
    [
        (str(5 * 2**30 + 1), 400, "EntityTooLarge"),
        ("9" * 9999, 400, "EntityTooLarge"),
        ("", 411, "MissingContentLength"),
        ("-1", 411, "MissingContentLength"),
        (str(len(PNG) + 1), 400, "IncompleteBody"),
    ],
)
def test_the_length_must_be_told_and_true(length, status, expected):
    """At most the documented 5 GB; more is refused before a byte is kept."""
    sandbox = Sandbox()
    urls = presign(sandbox)
    with outside(sandbox) as client:
        headers = {**IMAGE, "Content-Length": length}
        reply = client.put(urls["uploadUrl"], content=PNG, headers=headers)
        assert client.get(urls["publicUrl"]).status_code == 404

    assert (reply.status_code, code(reply)) == (status, expected)


def test_a_body_in_chunks_is_refused():
    """S3 does not know them; httpx sends a generator so."""
    sandbox = Sandbox()
    with outside(sandbox) as client:
        reply = client.put(presign(sandbox)["uploadUrl"], content=iter([PNG]), headers=IMAGE)

    assert (reply.status_code, code(reply)) == (501, "NotImplemented")


@pytest.mark.sockets
def test_an_upload_that_breaks_off_leaves_nothing():
    """The connection ends in the middle of the body."""
    sandbox = Sandbox()
    with sandbox.serve():
        urls = presign(sandbox)
        store = urlsplit(urls["uploadUrl"])
        head = (
            f"PUT {store.path}?{store.query} HTTP/1.1\r\nHost: {store.netloc}\r\n"
            "Content-Type: image/png\r\nContent-Length: 99\r\n\r\n"
        )
        with socket.create_connection((store.hostname, store.port)) as connection:
            connection.sendall(head.encode() + PNG)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.makefile("rb").read()
        got = httpx.get(urls["publicUrl"])

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"<Code>IncompleteBody</Code>" in answer
    assert got.status_code == 404


@pytest.mark.sockets
@pytest.mark.parametrize("content_type", ["video/mp4", "video/webm"])
def test_a_large_upload_is_never_in_memory(content_type):
    """Taken or refused, it passes piece by piece; the connection can be used again."""
    pieces = 512
    sandbox = Sandbox()
    piece = bytes(1 << 16)
    headers = {"Content-Type": content_type, "Content-Length": str(pieces * len(piece))}
    with sandbox.serve(), httpx.Client() as client:
        urls = presign(sandbox, "video/mp4")
        tracemalloc.start()
        try:
            put = client.put(
                urls["uploadUrl"], content=(piece for _ in range(pieces)), headers=headers
            )
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        got = client.head(urls["publicUrl"])

    assert peak < 8 << 20
    if content_type == "video/mp4":
        assert (put.status_code, got.headers["Content-Length"]) == (200, str(pieces << 16))
    else:
        assert (put.status_code, got.status_code) == (403, 404)


def test_the_files_go_with_the_sandbox(tmp_path, monkeypatch):
    """Nothing stays in the folder for temporary files; nor of an upload that broke off."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    sandbox = Sandbox()
    with outside(sandbox) as client:
        client.put(presign(sandbox)["uploadUrl"], content=PNG, headers=IMAGE)
        broken = {**IMAGE, "Content-Length": "99"}
        client.put(presign(sandbox)["uploadUrl"], content=PNG, headers=broken)
    assert [file.read_bytes() for file in tmp_path.glob("*/*")] == [PNG]

    del sandbox, client
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_a_disk_that_takes_nothing_is_a_fault_in_xml(tmp_path, monkeypatch, caplog):
    """The details are for the log."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    sandbox = Sandbox()
    with outside(sandbox) as client:
        reply = client.put(presign(sandbox)["uploadUrl"], content=PNG, headers=IMAGE)

    assert (reply.status_code, code(reply)) == (500, "InternalError")
    assert "gone" not in reply.text
    assert "could not take or give a file" in caplog.text


ACCOUNTS = {
    "facebook": "fb_40217",
    "instagram": "ig_40118",
    "threads": "th_40131",
    "tiktok": "tt_40311",
    "twitter": "tw_40126",
}
CONSENT = {"content_preview_confirmed": True, "express_consent_given": True}
TOO_LARGE = "Upload rejected: file is larger than this platform allows"
NOT_TAKEN = "Upload rejected: file format not supported"
OTHER_TYPE = "Upload rejected: the file is not of the type that is said"
NOTHING = "The media link leads to nothing: no file was uploaded there"


def upload(sandbox, content_type, size):
    """Put so many bytes, and give their address."""
    urls = presign(sandbox, content_type)
    pieces = (b"\0" * min(1 << 20, size - at) for at in range(0, size, 1 << 20))
    headers = {"Content-Type": content_type, "Content-Length": str(size)}
    with outside(sandbox) as client:
        assert client.put(urls["uploadUrl"], content=pieces, headers=headers).status_code == 200
    return urls["publicUrl"]


def errors_of(sandbox, item):
    """Publish one file everywhere, and give the errors of those that do not take it."""
    targets = [
        {"platform": platform, "accountId": account} for platform, account in ACCOUNTS.items()
    ]
    body = {"mediaItems": [item], "platforms": targets, "publishNow": True}
    with api(sandbox) as client:
        post = client.post("/v1/posts", json={**body, "tiktokSettings": CONSENT}).json()
    return {one["platform"]: one["error"] for one in post["platforms"] if "error" in one}


@pytest.mark.parametrize(
    ("content_type", "size", "refused"),
    [
        ("image/png", 4_000_000, ()),
        ("image/png", 4_000_001, ("facebook",)),
        ("image/png", 8_000_000, ("facebook", "twitter")),
        ("image/jpeg", 15_000_000, ("facebook", "threads", "twitter")),
        ("image/jpeg", 20_000_001, ("facebook", "threads", "tiktok", "twitter")),
    ],
)
def test_a_platform_takes_images_up_to_its_size(content_type, size, refused):
    """By the bytes that came (section 7); Instagram makes large ones smaller."""
    sandbox = Sandbox()
    item = {"type": "image", "url": upload(sandbox, content_type, size)}

    assert errors_of(sandbox, item) == dict.fromkeys(refused, TOO_LARGE)


def test_a_gif_may_be_larger_on_twitter():
    """15 MB where an image has 5; whether it is called a GIF or an image."""
    sandbox = Sandbox()
    url = upload(sandbox, "image/gif", 15_000_000)

    for said in ("gif", "image"):
        assert errors_of(sandbox, {"type": said, "url": url}) == {
            "facebook": TOO_LARGE,
            "threads": TOO_LARGE,
            **dict.fromkeys(("instagram", "tiktok"), "This platform does not take GIFs"),
        }


@pytest.mark.parametrize(
    ("content_type", "said", "error"),
    [
        ("image/png", "video", OTHER_TYPE),
        ("image/png", "gif", OTHER_TYPE),
        ("video/mp4", "image", OTHER_TYPE),
        ("video/mp4", "video", None),
    ],
)
def test_an_upload_is_what_its_content_type_says(content_type, said, error):
    """Whatever the post calls it."""
    sandbox = Sandbox()
    found = errors_of(sandbox, {"type": said, "url": upload(sandbox, content_type, 9)})

    if error is None:
        assert found == {}
    else:
        assert {found["facebook"], found["threads"], found["twitter"]} == {error}


@pytest.mark.parametrize(
    ("said", "name", "error"),
    [
        ("image", "a.pdf", NOT_TAKEN),
        ("video", "a.AVI?x=1", NOT_TAKEN),
        ("image", "a.mp4", OTHER_TYPE),
        ("video", "a.jpg", OTHER_TYPE),
        ("image", "a.unheard-of", None),
        ("video", "a", None),
        ("image", "a.bin", None),
    ],
)
def test_a_file_elsewhere_is_what_its_ending_says(said, name, error):
    """An ending that nobody knows may be anything."""
    found = errors_of(Sandbox(), {"type": said, "url": f"https://cdn.example.net/{name}"})

    assert found == ({} if error is None else dict.fromkeys(ACCOUNTS, error))


def test_an_upload_that_never_came_cannot_be_published():
    """Nor an address of the store that was never given out; once the bytes are there, it can."""
    sandbox = Sandbox()
    urls = presign(sandbox)
    item = {"type": "image", "url": urls["publicUrl"]}
    before = errors_of(sandbox, item)
    invented = errors_of(sandbox, {"type": "image", "url": f"{UPLOADS}/up/0.png"})
    with outside(sandbox) as client:
        client.put(urls["uploadUrl"], content=PNG, headers=IMAGE)

    assert before == invented == dict.fromkeys(ACCOUNTS, NOTHING)
    assert errors_of(sandbox, item) == {}


@pytest.mark.sockets
def test_an_upload_of_a_served_sandbox_is_known_as_well():
    """At its own port, and after it ended."""
    sandbox = Sandbox()
    with sandbox.serve(), httpx.Client() as client:
        urls, empty = presign(sandbox), presign(sandbox)
        client.put(urls["uploadUrl"], content=PNG, headers=IMAGE)
        found = errors_of(sandbox, {"type": "video", "url": urls["publicUrl"]})
        assert found == dict.fromkeys(ACCOUNTS, OTHER_TYPE)
        assert errors_of(sandbox, {"type": "image", "url": urls["publicUrl"]}) == {}
    missing = errors_of(sandbox, {"type": "image", "url": empty["publicUrl"]})

    assert missing == dict.fromkeys(ACCOUNTS, NOTHING)


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_not_allowed(method):
    """The store takes and gives; nothing else."""
    with outside(Sandbox()) as client:
        reply = client.request(method, f"{UPLOADS}/up/a.png")

    assert (reply.status_code, code(reply)) == (405, "MethodNotAllowed")


@given(
    method=st.sampled_from(["GET", "PUT", "HEAD"]),
    path=st.text(),
    query=st.dictionaries(
        st.sampled_from(["X-Amz-Signature", "X-Amz-Date", "X-Amz-Expires", "x"]), st.text()
    ),
)
def test_no_request_is_a_fault_of_the_store(method, path, query):
    """Nonsense is refused with 403 or 404."""
    url = httpx.URL(UPLOADS, path="/up/" + quote(path, errors="replace"))
    params = {name: value.encode(errors="replace").decode() for name, value in query.items()}
    with httpx.Client(transport=httpx.WSGITransport(app=STORE.uploads)) as client:
        reply = client.request(method, url, params=params)

    assert reply.status_code == (403 if method == "PUT" else 404)


STORE = Sandbox()
