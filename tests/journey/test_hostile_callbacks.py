"""Hostile requests flood the receiver while it waits; then the valid callback arrives.

``SOCIALFRAME_STRESS=20`` sends twenty times as many: 20,000 paths, 200 slow sockets.
"""

import gc
import itertools
import os
import random
import socket
import statistics
import string
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from browsers import press, visit

import socialframe as sf
from socialframe.connect.flow import Flow, State
from socialframe.connect.receiver import MAX_SOCKETS
from socialframe.connect.redirects import LoopbackRedirect

TIMES = int(os.environ.get("SOCIALFRAME_STRESS", "1"))
pytestmark = pytest.mark.sockets
LETTERS = string.ascii_letters + string.digits + "-_/%.~"


@pytest.fixture
def opened():
    """Yield a waiting flow, its redirect, and the URL of its callback."""
    sandbox = sf.Sandbox()
    with sandbox.serve() as url, sf.Client(sandbox.key, base_url=url, tier="paid") as api:
        flow, redirect = Flow(api._send, "tiktok"), LoopbackRedirect()
        callback = redirect.open(flow)
        flow.start(callback)
        yield flow, redirect, callback.redirect_url
        redirect.close()


def finished(flow, redirect, address):
    """Send the valid callback, and check that nothing is left open."""
    port = httpx.URL(address).port
    began = time.monotonic()
    answers = visit(press(flow.link))
    took = time.monotonic() - began
    redirect.close()

    assert [one.status_code for one in answers] == [303, 200]
    assert flow.state is State.CONNECTED
    assert took < 5
    with socket.socket() as connection:
        assert connection.connect_ex(("127.0.0.1", port)) != 0
    deadline = time.monotonic() + 10
    while any("process_request_thread" in one.name for one in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def traced_memory():
    """Return the bytes in use, without what coverage keeps for each thread."""
    taken = tracemalloc.take_snapshot()
    own = taken.filter_traces(
        [tracemalloc.Filter(inclusive=False, filename_pattern="*/coverage/*")]
    )
    return sum(trace.size for trace in own.traces)


def test_random_requests_use_no_memory_and_end_nothing(opened):
    """With codes, wrong hosts, from images, frames and scripts, and with repeated parameters."""
    flow, redirect, address = opened
    url = httpx.URL(address)
    chance = random.Random(0)  # noqa: S311 - not for secrets
    bad = [{"Host": "evil.example"}, {"Sec-Fetch-Dest": "image"}, {"Sec-Fetch-Dest": "iframe"}]

    def send_request(number):
        path = "".join(chance.choices(LETTERS, k=chance.randrange(60)))
        target, headers = f"/{path}?code={number}", {}
        if number % 4 == 0:
            target, headers = url.path + "?code=a&code=b", chance.choice([{}, *bad])
        with socket.create_connection((url.host, url.port), timeout=10) as connection:
            lines = [f"GET {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
            host = [] if "Host" in headers else [f"Host: 127.0.0.1:{url.port}"]
            connection.sendall(("\r\n".join([*lines, *host]) + "\r\n\r\n").encode())
            return int(connection.makefile("rb").readline().split()[1])

    with ThreadPoolExecutor(8) as pool:
        codes = set(pool.map(send_request, range(500)))  # warm up
        tracemalloc.start()
        sizes = []
        for start in range(0, 1000 * TIMES, 200):
            codes |= set(pool.map(send_request, range(start, start + 200)))
            gc.collect()
            sizes.append(traced_memory())
        tracemalloc.stop()
    # What is kept for a request grows in each round; what else this process does, only in some.
    grown = statistics.median(after - before for before, after in itertools.pairwise(sizes))
    assert codes == {400, 403, 404, 421}
    assert flow.state is State.WAITING
    assert grown < 20_000  # bytes, 100 for each request of a round
    finished(flow, redirect, address)


def test_slow_sockets_do_not_block_the_callback(opened):
    """Some send nothing, some a byte at a time; the oldest are closed."""
    flow, redirect, address = opened
    url = httpx.URL(address)
    number = max(2 * MAX_SOCKETS, 10 * TIMES)
    before = threading.active_count()
    slow = []
    for count in range(number):
        slow.append(socket.create_connection((url.host, url.port), timeout=10))
        if count % 2:
            slow[-1].sendall(b"GET / HTTP/1.1\r\nX: ")
    most = threading.active_count() - before
    stop = threading.Event()

    def drip():
        while not stop.wait(0.05):
            for one in slow:
                try:
                    one.send(b"y")
                except OSError:
                    continue

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        finished(flow, redirect, address)
    finally:
        stop.set()
        dripping.join()
        for one in slow:
            one.close()

    assert most <= MAX_SOCKETS + 2


def test_flood_of_guessed_callbacks_changes_nothing(opened):
    """The right path with a wrong state, and wrong paths with the right state."""
    flow, redirect, address = opened
    with httpx.Client() as browser:
        for number in range(50 * TIMES):
            guess = f"?code={number}&state=own7:instagram"
            assert browser.get(address + guess).status_code == 400
            wrong = f"{address[:-3]}abc?code={number}&state=own7:tiktok"
            assert browser.get(wrong).status_code == 404

    assert flow.state is State.WAITING
    finished(flow, redirect, address)
