"""The processor time of each stage of the main job: pages to a DataFrame, nothing stored."""

from __future__ import annotations

import cProfile
import pstats
import threading
import time

from pages import SIZE
from server import serving

#: Stage by the file and the function whose time, with all it calls, is counted.
STAGES = (
    ("connection: httpx, httpcore, h11", "_transports/default.py", "handle_request"),
    ("body: read and check", "http/network.py", "_body"),
    ("budget", "http/throttle.py", "_reserve"),
    ("transport, with the three above", "http/transport.py", "send"),
    ("split the reply", "messages/envelope.py", "split_reply"),
    ("find the next page", "paging/schemes.py", "next"),
    ("check the walk", "walk/checks.py", "check_page"),
    ("decode, in its thread", "frames/decode.py", "__call__"),
    ("find duplicates, in the same thread", "walk/checks.py", "find_new"),
)


def report(posts: int) -> None:
    """Print the stages; a profiler makes small functions look slower than they are."""
    from method_socialframe import client_of
    from task import Task

    profiles = [cProfile.Profile(time.thread_time)]
    run = threading.Thread.run

    def profiled(self: threading.Thread) -> None:
        profiles.append(cProfile.Profile(time.thread_time))
        profiles[-1].runcall(run, self)

    with serving(posts) as port, client_of(Task.of(port), cache=False, journal=False) as api:
        api.posts().limit(1).frame()
        threading.Thread.run = profiled  # type: ignore[method-assign]
        began = time.process_time()
        profiles[0].runcall(api.posts().frame)
        spent = time.process_time() - began
        threading.Thread.run = run  # type: ignore[method-assign]
    stats = pstats.Stats(profiles[0])
    for one in profiles[1:]:
        stats.add(one)
    pages = posts // SIZE
    print(f"\n| stage | CPU ms a page |\n|---|---|\n| all | {1000 * spent / pages:.2f} |")
    for name, file, function in STAGES:
        seconds = sum(
            numbers[3]
            for (path, _, called), numbers in stats.stats.items()  # type: ignore[attr-defined]
            if path.endswith(file) and called == function
        )
        print(f"| {name} | {1000 * seconds / pages:.2f} |")
