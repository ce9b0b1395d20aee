"""Folders that only the user can read."""

import os
import pwd
import stat
import tempfile
import warnings

import pytest
from click.testing import CliRunner

import socialframe as sf
from socialframe.cli.main import main
from socialframe.folders import runtime_folder
from socialframe.http.budget import Limit
from socialframe.http.shared_budget import SharedBudget


def test_only_the_user_can_read_the_runtime_folder(monkeypatch, tmp_path):
    """Wider permissions of an existing folder are removed."""
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "socialframe").mkdir(mode=0o755)

    assert runtime_folder() == tmp_path / "socialframe"
    assert stat.S_IMODE(runtime_folder().stat().st_mode) == 0o700


def test_the_runtime_folder_falls_back_to_the_temporary_folder(monkeypatch, tmp_path):
    """A link there, which another user could have made, is refused."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "socialframe").write_text("in the way")
    tmp_path.chmod(0o700)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    mine = temporary / f"socialframe-{os.geteuid()}"

    assert runtime_folder() == mine
    assert stat.S_IMODE(mine.stat().st_mode) == 0o700
    mine.rmdir()
    mine.symlink_to(tmp_path)
    with pytest.raises(PermissionError, match="owned by this user"):
        runtime_folder()


@pytest.fixture
def temporary(monkeypatch, tmp_path):
    """Return the folder for temporary files; the system has no runtime folder."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "missing" / "run"))
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_no_level_of_the_runtime_folder_follows_the_umask(temporary):
    """Another user could rename it and put a link in its place."""
    before = os.umask(0)
    try:
        folder = runtime_folder()
    finally:
        os.umask(before)

    for level in (folder, *folder.relative_to(temporary).parents[:-1]):
        assert stat.S_IMODE((temporary / level).stat().st_mode) == 0o700


@pytest.mark.parametrize("harm", ["link", "writable"])
def test_a_runtime_folder_that_others_can_replace_is_not_used(monkeypatch, temporary, harm):
    """The folder for temporary files takes its place."""
    system = temporary / "runtime"
    monkeypatch.setattr("platformdirs.user_runtime_path", lambda **_: system)
    if harm == "link":
        (temporary / "of-others").mkdir(mode=0o700)
        system.symlink_to(temporary / "of-others")
    else:
        system.mkdir()
        system.chmod(0o777)

    assert runtime_folder() == temporary / f"socialframe-{os.geteuid()}"
    assert list(system.iterdir()) == []


def test_the_runtime_folder_is_checked_each_time_a_file_in_it_is_opened(temporary):
    """A link that takes the folder's place meanwhile is refused; its target stays as it is."""
    budget = SharedBudget(runtime_folder, "tenant", Limit(60))
    budget.end(budget.reserve(1.0)[0])
    folder = budget._file.path.parent
    folder.rename(temporary / "aside")
    other = temporary / "other"
    other.mkdir()
    folder.symlink_to(other)

    with pytest.warns(sf.BudgetWarning, match="owned by this user"):
        budget.end(budget.reserve(1.0)[0])
    assert list(other.iterdir()) == []


@pytest.fixture
def homeless(monkeypatch, temporary):
    """Run as a user without a home directory, as in a container with any user id."""

    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("options", "count"),
    [({}, 1), ({"cache": False}, 1), ({"cache": False, "journal": False}, 0)],
)
def test_a_client_works_without_a_home_directory(homeless, options, count):
    """One warning says what is missing, if a file was wanted."""
    box = sf.Sandbox()
    with box.serve() as url, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with sf.Client(box.key, base_url=url, **options) as api:
            assert len(api.accounts().frame()) == len(api.accounts().frame()) == 17
            assert api.walks().empty
        assert sf.walks().empty

    texts = [str(one.message) for one in caught if "home directory" in str(one.message)]
    assert len(texts) == len(caught) == count
    assert all("set HOME" in text for text in texts)


@pytest.mark.sockets
def test_a_cache_in_a_given_file_works_without_a_home_directory(homeless, tmp_path):
    """One warning, since walks that break are not stored."""
    box = sf.Sandbox()
    with box.serve() as url:
        api = sf.Client(box.key, base_url=url, cache=tmp_path / "c.sqlite")
        with pytest.warns(sf.CacheWarning, match="set HOME") as caught:
            assert len(api.accounts().frame()) == len(api.accounts().frame()) == 17
        api.close()
    assert len(caught) == 1


@pytest.mark.parametrize(
    "words", ["cache ls --all", "cache size --all", "walks ls", "walks rm --all"]
)
def test_commands_work_without_a_home_directory(homeless, words):
    """There is nothing to list."""
    shown = CliRunner().invoke(main, words.split())

    assert (shown.exit_code, shown.exception) == (0, None), shown.output
