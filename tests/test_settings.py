"""Where key and base URL come from."""

import os
import stat
import sys
import tempfile
import types

import pytest
from stand_ins import KEY

import socialframe as sf
from socialframe.secret import Secret
from socialframe.settings import BASE_URL, normalised, read_settings, runtime_folder

OTHER = KEY + "other"


def test_the_argument_comes_first(monkeypatch, tmp_path):
    """Then the environment, then .env."""
    (tmp_path / ".env").write_text(f"SOCIALAPI_KEY={KEY}c\n")
    monkeypatch.chdir(tmp_path)
    assert read_settings().secret == Secret(KEY + "c")
    assert read_settings().source == str(tmp_path / ".env")

    monkeypatch.setenv("SOCIALAPI_KEY", KEY + "b")
    assert read_settings().secret == Secret(KEY + "b")

    assert read_settings(Secret(KEY)).secret == Secret(KEY)
    assert read_settings(Secret(KEY)).base_url == BASE_URL


def test_without_a_key_the_error_says_what_to_do():
    """How to get one, where it is looked for, and the sandbox."""
    with pytest.raises(sf.MissingKeyError) as caught:
        sf.Client()

    for words in ("app.socialsyncerapi.com", "SOCIALAPI_KEY", ".env", "sf.Client.sandbox()"):
        assert words in str(caught.value)


@pytest.mark.parametrize("where", ["argument", "environment", ".env"])
def test_what_cannot_be_a_key_is_named_by_its_place_and_not_repeated(monkeypatch, tmp_path, where):
    """Before any request."""
    monkeypatch.chdir(tmp_path)
    bad = "pk_not0a0key0at0all"
    if where == "environment":
        monkeypatch.setenv("SOCIALAPI_KEY", bad)
    if where == ".env":
        (tmp_path / ".env").write_text(f"SOCIALAPI_KEY={bad}\n")

    with pytest.raises(sf.InvalidKeyError, match="looks like sk_") as caught:
        sf.Client(bad if where == "argument" else None)

    assert bad not in str(caught.value)
    assert where == "argument" or where in str(caught.value)


def test_the_search_for_dotenv_stops_at_the_git_root(monkeypatch, tmp_path):
    """What lies above a clone is not the clone's."""
    (tmp_path / ".env").write_text(f"SOCIALAPI_KEY={KEY}\n")
    inner = tmp_path / "clone" / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "clone" / ".git").mkdir()
    monkeypatch.chdir(inner)
    with pytest.raises(sf.MissingKeyError):
        read_settings()

    (tmp_path / "clone" / ".env").write_text(f"SOCIALAPI_KEY={OTHER}\n")
    assert read_settings().secret == Secret(OTHER)


def test_the_search_for_dotenv_stops_at_home(monkeypatch, tmp_path):
    """And without a root above, only the working folder is looked at."""
    (tmp_path / ".env").write_text(f"SOCIALAPI_KEY={KEY}\n")
    home = tmp_path / "home"
    (home / "work").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))

    for place in (home / "work", tmp_path / "elsewhere"):
        monkeypatch.chdir(place)
        with pytest.raises(sf.MissingKeyError):
            read_settings()

    (home / ".env").write_text(f"SOCIALAPI_KEY={OTHER}\n")
    monkeypatch.chdir(home / "work")
    assert read_settings().secret == Secret(OTHER)


def test_a_dotenv_that_cannot_be_read_is_passed_over(monkeypatch, tmp_path):
    """It may be somebody else's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(b"SOCIALAPI_KEY=\xff\xfe\n")

    with pytest.raises(sf.MissingKeyError):
        read_settings()


def test_the_base_url_is_never_read_from_dotenv(monkeypatch, tmp_path):
    """A cloned folder must not send the user's key elsewhere."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(
        f"SOCIALAPI_KEY={KEY}\nSOCIALAPI_BASE_URL=https://evil.example\n"
    )

    with pytest.warns(UserWarning, match="is not read from"):
        assert read_settings().base_url == BASE_URL
    assert "SOCIALAPI_BASE_URL" not in sys.modules["os"].environ

    monkeypatch.setenv("SOCIALAPI_BASE_URL", "https://own.example/")
    monkeypatch.setenv("SOCIALAPI_KEY", KEY)
    assert read_settings().base_url == "https://own.example"
    assert read_settings(base_url="https://arg.example").base_url == "https://arg.example"


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://API.example/", "https://api.example"),
        ("https://api.example:443", "https://api.example"),
        ("https://api.example:8443/base/", "https://api.example:8443/base"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:80/", "http://localhost"),
        ("http://[::1]:9", "http://[::1]:9"),
    ],
)
def test_a_base_url_has_one_normal_form(url, normal):
    """So that one tenant has one name."""
    assert normalised(url) == normal


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://api.example", "use https"),
        ("http://127.0.0.1.evil.example", "use https"),
        ("http://0.0.0.0", "use https"),
        ("api.example", "is an address such as"),
        ("ftp://api.example", "is an address such as"),
        ("https://", "is an address such as"),
        ("https://api.example:99999", "is an address such as"),
        ("https://[nonsense", "is an address such as"),
        ("https://user:sk_hidden0in0the0url@api.example", "no user"),
        ("https://api.example/?a=b", "no user, query"),
        ("https://api.example/v1/", "without /v1"),
    ],
)
def test_what_cannot_be_a_base_url_is_one_sentence(url, words):
    """And a key in it is not shown."""
    with pytest.raises(sf.ArgumentError, match=words) as caught:
        sf.Client(KEY, base_url=url)

    assert "hidden0in0the0url" not in str(caught.value)


def test_the_keyring_comes_last(monkeypatch):
    """Where there is one; a backend that fails is as none."""
    import keyring
    from keyring.backend import KeyringBackend
    from keyring.errors import KeyringLocked

    class Backend(KeyringBackend):
        priority = 1
        locked = False

        def get_password(self, service, username):
            if self.locked:
                raise KeyringLocked
            return {("socialframe", "SOCIALAPI_KEY"): KEY}.get((service, username))

        def set_password(self, service, username, password):
            raise NotImplementedError

    backend = Backend()
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        assert read_settings().secret == Secret(KEY)
        assert read_settings().source == "the keyring"
        backend.locked = True
        with pytest.raises(sf.MissingKeyError):
            read_settings()
        monkeypatch.setitem(sys.modules, "keyring", types.ModuleType("keyring"))
        monkeypatch.setitem(sys.modules, "keyring.errors", None)
        with pytest.raises(sf.MissingKeyError):
            read_settings()
    finally:
        keyring.set_keyring(before)


def test_the_runtime_folder_is_the_users_alone(monkeypatch, tmp_path):
    """In the runtime folder of the system, also where somebody had opened it."""
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "socialframe").mkdir(mode=0o755)

    assert runtime_folder() == tmp_path / "socialframe"
    assert stat.S_IMODE(runtime_folder().stat().st_mode) == 0o700


def test_without_a_runtime_folder_it_is_a_private_one_among_temporary_files(monkeypatch, tmp_path):
    """What another could have put there is not taken."""
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
    with pytest.raises(PermissionError, match="of this user's own"):
        runtime_folder()
