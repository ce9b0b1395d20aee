"""Invalid and damaged input raises our own errors and leaves nothing behind."""

import json
import threading
import traceback

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq
from stand_ins import KEY

import socialframe as sf
from socialframe import readers
from socialframe.cli.main import main
from socialframe.settings import read_settings


@pytest.mark.parametrize("path", ["a" * 300, "a\0b", "\ud800", None, 3, "loop"])
def test_an_impossible_path_is_a_file_error(tmp_path, path):
    """Too long, with NUL, not UTF-8, no path, a loop of links; for reading and writing."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    path = tmp_path / path if isinstance(path, str) else path
    frame = pd.DataFrame({"a": [1]})

    with pytest.raises(sf.FileError):
        sf.to_parquet(frame, path)
    with pytest.raises(sf.FileError):
        sf.read_parquet(path)
    with pytest.raises(sf.FileError):
        sf.Client.sandbox().accounts().to_parquet(path)


@pytest.mark.parametrize("name", ["ü ☃.parquet", "sur\udcff.parquet", b"bytes.parquet"])
def test_unusual_file_names_work(monkeypatch, tmp_path, name):
    """Any script, invalid UTF-8, bytes."""
    monkeypatch.chdir(tmp_path)

    path = sf.Client.sandbox().accounts().to_parquet(name)

    assert path.exists()
    assert len(sf.read_parquet(name)) == 17


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"x": [2**70]}),
        pd.DataFrame({"x": [{}]}),
        pd.DataFrame({"x": [pd.DateOffset(1)]}),
        pd.DataFrame({"x": [1, "a", {}]}),
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
    ],
)
def test_a_frame_that_parquet_cannot_hold_is_an_argument_error(tmp_path, frame):
    """Huge integers, empty structs, objects, mixed types, a repeated column name."""
    with pytest.raises(sf.ArgumentError, match="cannot be written as Parquet"):
        sf.to_parquet(frame, tmp_path / "x.parquet")

    assert list(tmp_path.iterdir()) == []


def test_attrs_that_are_not_json_are_written_as_text(tmp_path):
    """Even pandas cannot store them."""
    frame = sf.Client.sandbox().accounts().frame()
    frame.attrs["socialframe"]["rows"] = pd.Timestamp("2026-01-01")

    sf.to_parquet(frame, tmp_path / "x.parquet")

    footer = json.loads(pq.read_schema(tmp_path / "x.parquet").metadata[b"socialframe"])
    assert footer["rows"] == "2026-01-01 00:00:00"


@pytest.mark.parametrize("columns", ["id", [1], 5, [None]])
def test_invalid_columns_of_read_parquet_are_refused(tmp_path, columns):
    """A string too, because pandas would take its letters as names."""
    sf.to_parquet(pd.DataFrame({"id": [1]}), tmp_path / "x.parquet")

    with pytest.raises(sf.ArgumentError, match="columns must be a list of names"):
        sf.read_parquet(tmp_path / "x.parquet", columns=columns)


def test_columns_may_be_any_iterable_of_names(tmp_path):
    """An Index, a generator."""
    sf.to_parquet(pd.DataFrame({"id": [1], "n": [2]}), tmp_path / "x.parquet")

    for columns in (pd.Index(["n"]), (name for name in ["n"])):
        assert sf.read_parquet(tmp_path / "x.parquet", columns=columns).columns.tolist() == ["n"]


def test_large_integers_beside_nulls_are_not_rounded(tmp_path):
    """They were written from an object column."""
    big = 2**60 + 1
    pd.DataFrame({"n": pd.Series([big, None], dtype="object")}).to_parquet(tmp_path / "n.parquet")

    assert sf.read_parquet(tmp_path / "n.parquet")["n"].tolist() == [big, None]


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    """Return the bytes of a Parquet file that we wrote."""
    path = tmp_path_factory.mktemp("intact") / "x.parquet"
    sf.Client.sandbox().posts(since="2026-11-10").to_parquet(path)
    return path.read_bytes()


@given(
    place=st.integers(0, 1 << 20), byte=st.integers(0, 255), cut=st.none() | st.integers(0, 4000)
)
def test_a_damaged_file_is_read_or_raises_file_error(intact, tmp_path_factory, place, byte, cut):
    """Any byte may be damaged, and the end may be missing."""
    damaged = bytearray(intact)
    damaged[-1 - place % len(damaged)] = byte
    path = tmp_path_factory.mktemp("damaged") / "x.parquet"
    path.write_bytes(damaged[: -cut if cut else None])

    try:
        result = sf.read_parquet(path)
    except sf.FileError as error:
        result = error

    assert isinstance(result, pd.DataFrame) or "x.parquet" in str(result)


def test_no_traceback_with_local_variables_shows_the_environment(monkeypatch):
    """The base URL is refused while a key is in the environment."""
    monkeypatch.setenv("SOCIALAPI_KEY", KEY)
    monkeypatch.setenv("SOCIALAPI_BASE_URL", "http://evil.example")

    with pytest.raises(sf.ArgumentError) as caught:
        sf.Client()

    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame for frame in shown.stack if "socialframe" in frame.filename]
    assert ours
    assert all(KEY not in str(frame.locals) for frame in ours if frame.filename != __file__)


@pytest.mark.parametrize(
    "url", ["https://☃.com\0", "https://exa..mple", "https://xn--zzzzzzzz--", "https://h/\0", 5]
)
def test_an_impossible_host_is_an_error(url):
    """When the client is made or at the first request."""
    with pytest.raises(sf.SocialFrameError):
        sf.Client(KEY, base_url=url).accounts().frame()


def test_a_deleted_working_directory_does_not_hide_the_key(monkeypatch, tmp_path):
    """The key in the environment is found."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(sf.MissingKeyError):
        read_settings()

    monkeypatch.setenv("SOCIALAPI_KEY", KEY)
    assert read_settings().source.startswith("SOCIALAPI_KEY")


@pytest.mark.parametrize("limit", [sf.Limit(0), sf.Limit(1, 0.0), sf.Limit(-1)])
def test_a_limit_without_requests_is_refused(limit):
    """It would wait forever."""
    with pytest.raises(sf.ArgumentError, match="allow 1 call or more"):
        sf.Client(KEY, tier=limit)


def test_a_huge_row_limit_is_refused():
    """It exceeds 64 bits."""
    with pytest.raises(sf.ArgumentError, match="an integer"):
        sf.Client.sandbox().posts().limit(10**30)


def test_threads_share_one_default_client(monkeypatch):
    """Even if all of them make the first call at once."""
    sandbox, made = sf.Sandbox(), []
    with sandbox.serve() as url:
        monkeypatch.setenv("SOCIALAPI_KEY", sandbox.key)
        monkeypatch.setenv("SOCIALAPI_BASE_URL", url)
        threads = [
            threading.Thread(target=lambda: made.append(readers.default_client())) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(made) == 8
    assert len(set(map(id, made))) == 1


def test_an_output_encoding_that_lacks_characters_gives_no_traceback():
    """Latin-1 cannot encode all of the demo."""
    result = CliRunner(charset="latin-1").invoke(main, ["demo"])

    assert result.exit_code in {0, 1}
    assert "Traceback" not in result.output


def test_pandas_and_duckdb_read_a_file_without_rows(tmp_path):
    """It has all columns."""
    path = sf.Client.sandbox().posts(status="nothing").to_parquet(tmp_path / "none.parquet")

    assert pd.read_parquet(path).empty
    assert duckdb.sql(f"FROM '{path}'").columns == pa.parquet.read_schema(path).names
