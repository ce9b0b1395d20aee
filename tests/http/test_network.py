"""A connection that is kept open never gives the answer of one request to another."""

import contextlib
import socket
import threading
import time

import httpx
import pytest
from stand_ins import KEY, Clock

import socialframe as sf
from socialframe.http.transport import Wiring
from socialframe.messages.call import Call


def plain(name):
    """Return a whole answer with Content-Length that keeps the connection open."""
    body = b'{"accounts": [{"accountId": "%s"}]}' % name.encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def chunked(name):
    """Return a whole answer in two chunks that keeps the connection open."""
    first, second = b'{"accounts": [{"accountId": ', b'"%s"}]}' % name.encode()
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(
        b"%x\r\n%s\r\n" % (len(part), part) for part in (first, second, b"")
    )


def empty(_):
    """Return an answer that has no body."""
    return b"HTTP/1.1 204 No Content\r\n\r\n"


@contextlib.contextmanager
def marking_server(answer_to):
    """Serve on loopback; each request is answered with the bytes for its own path.

    ``answer_to`` gets the path and returns the parts to send; a number among them is a pause in
    seconds. Yields the URL and the list of (connection, path).
    """
    listener, seen, stopped = socket.create_server(("127.0.0.1", 0)), [], threading.Event()

    def serve(connection, number):
        with connection, contextlib.suppress(OSError):
            while request := connection.recv(65536):
                path = request.split(b" ", 2)[1].decode().partition("?")[0].strip("/")
                seen.append((number, path))
                for part in answer_to(path):
                    if isinstance(part, bytes):
                        connection.sendall(part)
                    else:
                        time.sleep(part)

    def accept():
        number = 0
        while not stopped.is_set():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                connection.settimeout(5)
                threading.Thread(target=serve, args=(connection, number), daemon=True).start()
                number += 1

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
    finally:
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def names_of(url, paths, pause=0.0):
    """Return the account that the answer to each path has, asked one after another."""
    found = []
    with sf.Client(KEY, base_url=url, wiring=Wiring(sleep=Clock().sleep)) as api:
        for path in paths:
            body = api._send(Call(f"/{path}")).body
            found.append(httpx.Response(200, content=body).json() if body else None)
            time.sleep(pause)
    return [one and one["accounts"][0]["accountId"] for one in found]


PATHS = ["instagram", "tiktok", "bluesky"]


@pytest.mark.sockets
@pytest.mark.parametrize("answer", [plain, chunked])
def test_connection_is_kept_for_the_next_request(answer):
    """If nothing follows an answer, all requests use one connection."""
    with marking_server(lambda path: [answer(path)]) as (url, seen):
        assert names_of(url, PATHS) == PATHS

    assert [number for number, _ in seen] == [0, 0, 0]


@pytest.mark.sockets
@pytest.mark.parametrize("answer", [plain, chunked])
@pytest.mark.parametrize(
    "behind",
    [
        lambda answer: answer,
        lambda answer: answer[: len(answer) // 2],
        lambda answer: answer * 3,
        lambda _: b"HTTP",
        lambda _: b"\r\n",
        lambda _: b"\0" * 70_000,
    ],
    ids=["the answer again", "half of it", "three answers", "a word", "a line end", "much"],
)
def test_bytes_behind_an_answer_end_the_connection(answer, behind):
    """They are never a part of the answer to the next request."""

    def answer_to(path):
        return [answer(path) + behind(answer(path))]

    with marking_server(answer_to) as (url, seen):
        assert names_of(url, PATHS) == PATHS

    assert [number for number, _ in seen] == [0, 1, 2]


@pytest.mark.sockets
def test_body_of_a_204_ends_the_connection():
    """A 204 has no body, so the bytes would begin the next answer."""

    def answer_to(path):
        return [empty(path) + plain("leftover")] if path == "tiktok" else [plain(path)]

    with marking_server(answer_to) as (url, _):
        assert names_of(url, PATHS) == ["instagram", None, "bluesky"]


@pytest.mark.sockets
@pytest.mark.parametrize("answer", [plain, chunked])
def test_answer_that_comes_while_the_connection_idles_ends_it(answer):
    """The next request opens another one."""
    with marking_server(lambda path: [answer(path), 0.05, answer("late")]) as (url, seen):
        assert names_of(url, PATHS[:2], pause=0.15) == PATHS[:2]

    assert [number for number, _ in seen] == [0, 1]


@pytest.mark.sockets
def test_answer_that_may_belong_to_the_request_before_is_asked_for_again():
    """Two answers to the second request of a connection: the first may be a late copy."""
    asked = []

    def answer_to(path):
        asked.append(path)
        late = plain("instagram") if asked == ["instagram", "tiktok"] else b""
        return [late + plain(path)]

    with marking_server(answer_to) as (url, seen):
        assert names_of(url, PATHS) == PATHS

    assert asked == ["instagram", "tiktok", "tiktok", "bluesky"]
    assert [number for number, _ in seen] == [0, 0, 1, 1]


@pytest.mark.sockets
def test_threads_of_one_client_get_their_own_answers():
    """While each answer is sent twice."""
    with marking_server(lambda path: [plain(path) * 2]) as (url, _):
        wiring = Wiring(sleep=Clock().sleep)
        with sf.Client(KEY, base_url=url, wiring=wiring) as api:
            wrong = []

            def ask(name):
                for turn in range(8):
                    marker = f"{name}{turn}"
                    if marker.encode() not in api._send(Call(f"/{marker}")).body:
                        wrong.append(marker)

            threads = [threading.Thread(target=ask, args=(name,)) for name in "abcd"]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)

    assert wrong == []
