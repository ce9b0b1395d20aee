"""Folders that only the user can read."""

import os
import stat
import tempfile

import pytest

from socialframe.folders import runtime_folder


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
