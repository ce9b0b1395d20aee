"""Input that nobody means: one sentence of our own, nothing left behind."""

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
from socialframe import readers as helpers
from socialframe.cli.main import main
from socialframe.settings import read_settings


@pytest.mark.parametrize("path", ["a" * 300, "a\0b", "\ud800", None, 3, "loop"])
def test_a_path_that_no_file_can_have(tmp_path, path):
    """Too long, with a NUL, not UTF-8, no path, a loop of links: to write and to read."""
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
def test_a_path_of_any_spelling_that_a_file_can_have(monkeypatch, tmp_path, name):
    """Letters of any script, bytes that are no UTF-8, bytes."""
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
def test_a_frame_that_parquet_cannot_hold(tmp_path, frame):
    """Huge integers, empty structs, objects, mixed ones, one name twice."""
    with pytest.raises(sf.ArgumentError, match="cannot be written as Parquet"):
        sf.to_parquet(frame, tmp_path / "x.parquet")

    assert list(tmp_path.iterdir()) == []


def test_attrs_that_are_no_json_do_not_stop_a_write(tmp_path):
    """What pandas itself cannot keep is kept as text."""
    frame = sf.Client.sandbox().accounts().frame()
    frame.attrs["socialframe"]["rows"] = pd.Timestamp("2026-01-01")

    sf.to_parquet(frame, tmp_path / "x.parquet")

    told = json.loads(pq.read_schema(tmp_path / "x.parquet").metadata[b"socialframe"])
    assert told["rows"] == "2026-01-01 00:00:00"


@pytest.mark.parametrize("columns", ["id", [1], 5, [None]])
def test_columns_that_are_no_names(tmp_path, columns):
    """Not a text alone, which pandas would take for its letters."""
    sf.to_parquet(pd.DataFrame({"id": [1]}), tmp_path / "x.parquet")

    with pytest.raises(sf.ArgumentError, match="columns must be a list of names"):
        sf.read_parquet(tmp_path / "x.parquet", columns=columns)


def test_names_of_columns_may_come_from_anywhere(tmp_path):
    """An index, a generator."""
    sf.to_parquet(pd.DataFrame({"id": [1], "n": [2]}), tmp_path / "x.parquet")

    for columns in (pd.Index(["n"]), (name for name in ["n"])):
        assert sf.read_parquet(tmp_path / "x.parquet", columns=columns).columns.tolist() == ["n"]


def test_integers_that_pandas_wrote_beside_nulls_are_not_rounded(tmp_path):
    """They were objects, and are."""
    big = 2**60 + 1
    pd.DataFrame({"n": pd.Series([big, None], dtype="object")}).to_parquet(tmp_path / "n.parquet")

    assert sf.read_parquet(tmp_path / "n.parquet")["n"].tolist() == [big, None]


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    """Return the bytes of a Parquet file of ours."""
    path = tmp_path_factory.mktemp("intact") / "x.parquet"
    sf.Client.sandbox().posts(since="2026-11-10").to_parquet(path)
    return path.read_bytes()


@given(
    place=st.integers(0, 1 << 20), byte=st.integers(0, 255), cut=st.none() | st.integers(0, 4000)
)
def test_a_damaged_file_is_read_or_one_sentence(intact, tmp_path_factory, place, byte, cut):
    """Whichever byte fell over."""
    damaged = bytearray(intact)
    damaged[-1 - place % len(damaged)] = byte
    path = tmp_path_factory.mktemp("damaged") / "x.parquet"
    path.write_bytes(damaged[: -cut if cut else None])

    try:
        result = sf.read_parquet(path)
    except sf.FileError as error:
        result = error

    assert isinstance(result, pd.DataFrame) or "x.parquet" in str(result)


def test_the_environment_is_in_no_traceback_that_shows_local_variables(monkeypatch):
    """Of a base URL that is refused while a key is in the environment."""
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
def test_a_base_url_that_no_host_can_have(url):
    """At once, or at the first call."""
    with pytest.raises(sf.SocialFrameError):
        sf.Client(KEY, base_url=url).accounts().frame()


def test_a_working_folder_that_is_gone(monkeypatch, tmp_path):
    """A key in the environment is found all the same."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(sf.MissingKeyError):
        read_settings()

    monkeypatch.setenv("SOCIALAPI_KEY", KEY)
    assert read_settings().source.startswith("SOCIALAPI_KEY")


@pytest.mark.parametrize("limit", [sf.Limit(0), sf.Limit(1, 0.0), sf.Limit(-1)])
def test_a_limit_without_calls(limit):
    """Refused, since it would wait for ever."""
    with pytest.raises(sf.ArgumentError, match="at least one call"):
        sf.Client(KEY, tier=limit)


def test_more_rows_than_there_can_be():
    """Are no limit."""
    with pytest.raises(sf.ArgumentError, match="whole number"):
        sf.Client.sandbox().posts().limit(10**30)


def test_threads_that_ask_first_at_once_share_one_default_client(monkeypatch):
    """And so one budget."""
    box, made = sf.Sandbox(), []
    with box.serve() as url:
        monkeypatch.setenv("SOCIALAPI_KEY", box.key)
        monkeypatch.setenv("SOCIALAPI_BASE_URL", url)
        threads = [
            threading.Thread(target=lambda: made.append(helpers._default())) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(made) == 8
    assert len(set(map(id, made))) == 1


def test_an_output_that_cannot_be_written_is_one_sentence():
    """Letters that its encoding lacks."""
    result = CliRunner(charset="latin-1").invoke(main, ["demo"])

    assert result.exit_code in {0, 1}
    assert "Traceback" not in result.output


def test_engines_agree_on_an_empty_walk(tmp_path):
    """All columns, no rows."""
    path = sf.Client.sandbox().posts(status="nothing").to_parquet(tmp_path / "none.parquet")

    assert pd.read_parquet(path).empty
    assert duckdb.sql(f"FROM '{path}'").columns == pa.parquet.read_schema(path).names
