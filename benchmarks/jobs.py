"""The jobs that are compared, and the methods of each."""

from __future__ import annotations

from dataclasses import dataclass

FLOOR, SOCIALFRAME, NORMALIZE = "floor", "socialframe", "httpx + json_normalize"
RECORDS, DUCKDB, POLARS = "httpx + list + DataFrame", "duckdb, saved pages", "polars, saved pages"
REQUESTS_CACHE, HISHEL = "requests-cache + json_normalize", "hishel + json_normalize"
DLT_CLIENT, DLT_PIPELINE = "dlt RESTClient + DataFrame", "dlt pipeline"
#: Module of each method; it has a function for each of its jobs.
METHODS = {
    FLOOR: "method_floor",
    SOCIALFRAME: "method_socialframe",
    NORMALIZE: "method_normalize",
    RECORDS: "method_records",
    REQUESTS_CACHE: "method_requests_cache",
    HISHEL: "method_hishel",
    DLT_CLIENT: "method_dlt",
    DLT_PIPELINE: "method_dlt",
    DUCKDB: "method_duckdb",
    POLARS: "method_polars",
}
#: Methods whose packages are in every test environment, and that fetch over HTTP.
OURS = (FLOOR, SOCIALFRAME, NORMALIZE, RECORDS)


@dataclass(frozen=True, slots=True)
class Job:
    """One comparison.

    Parameters
    ----------
    function : str
        Function of the modules in ``METHODS``.
    methods : tuple of str
        Keys of ``METHODS``.
    data : str
        A kind of ``Pages``.
    latency : float
        Milliseconds before each reply.
    """

    function: str
    methods: tuple[str, ...]
    data: str = "plain"
    latency: float = 0.0


JOBS = {
    "frame": Job(
        "frame",
        (FLOOR, SOCIALFRAME, NORMALIZE, RECORDS, DLT_CLIENT, DUCKDB, POLARS),
    ),
    "frame, default": Job("frame_default", (FLOOR, SOCIALFRAME, REQUESTS_CACHE, HISHEL)),
    "frame, drift": Job("frame", (FLOOR, SOCIALFRAME, NORMALIZE), "drift"),
    "frame, wide": Job("wide", (FLOOR, SOCIALFRAME, NORMALIZE, RECORDS, DUCKDB), "wide"),
    "row a target": Job("targets", (FLOOR, SOCIALFRAME, NORMALIZE)),
    "parquet": Job("parquet", (FLOOR, SOCIALFRAME, NORMALIZE, DLT_PIPELINE, DUCKDB, POLARS)),
    "warm replay": Job("replay", (FLOOR, SOCIALFRAME, REQUESTS_CACHE, HISHEL)),
    "latency 50 ms": Job("frame", (SOCIALFRAME,), latency=50),
    "latency 150 ms": Job("frame", (SOCIALFRAME,), latency=150),
    "cursor, 50 ms": Job("frame", (SOCIALFRAME,), "cursor", latency=50),
}
#: Posts of jobs with few pages at most, because each page takes its latency.
SLOW = {"latency 50 ms": 10_000, "latency 150 ms": 10_000, "cursor, 50 ms": 6_000}
WIDE = 10  # a wide post has as many bytes as so many others
#: Goals of speed: job, method to compare with; the largest ratio of the seconds, ours to its.
COMPARED = {
    ("frame", FLOOR): 1.4,
    ("frame", NORMALIZE): 1 / 4,
    ("frame, default", FLOOR): 2.0,
    ("frame, drift", FLOOR): 3.0,
    ("row a target", NORMALIZE): 1 / 7,
    ("parquet", FLOOR): 1.8,
    ("parquet", NORMALIZE): 1 / 3.4,
    ("warm replay", FLOOR): 1.25,
    ("warm replay", REQUESTS_CACHE): 1 / 4,
    ("warm replay", HISHEL): 1 / 4,
}
