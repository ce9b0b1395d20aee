"""Sources of the key and the base URL."""

import sys
import types

import pytest
from stand_ins import KEY

import socialframe as sf
from socialframe.secret import Secret
from socialframe.settings import BASE_URL, normalize_base_url, read_settings

OTHER = KEY + "other"


def test_the_key_comes_from_argument_then_environment_then_dotenv(monkeypatch, tmp_path):
    """The first source wins."""
    (tmp_path / ".env").write_text(f"SOCIALAPI_KEY={KEY}c\n")
    monkeypatch.chdir(tmp_path)
    assert read_settings().secret == Secret(KEY + "c")
    assert read_settings().source == str(tmp_path / ".env")

    monkeypatch.setenv("SOCIALAPI_KEY", KEY + "b")
    assert read_settings().secret == Secret(KEY + "b")

    assert read_settings(Secret(KEY)).secret == Secret(KEY)
    assert read_settings(Secret(KEY)).base_url == BASE_URL


def test_a_missing_key_is_an_error_that_says_what_to_do():
    """Create a key, set it, or use the sandbox."""
    with pytest.raises(sf.MissingKeyError) as caught:
        sf.Client()

    for words in ("app.socialsyncerapi.com", "SOCIALAPI_KEY", ".env", "sf.Client.sandbox()"):
        assert words in str(caught.value)


@pytest.mark.parametrize("where", ["argument", "environment", ".env"])
def test_an_invalid_key_is_refused_with_its_source_and_not_shown(monkeypatch, tmp_path, where):
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
    """A .env above the clone is not read."""
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
    """Outside of home and git, only the working directory is searched."""
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


def test_an_unreadable_dotenv_is_ignored(monkeypatch, tmp_path):
    """It is not UTF-8."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(b"SOCIALAPI_KEY=\xff\xfe\n")

    with pytest.raises(sf.MissingKeyError):
        read_settings()


def test_the_base_url_is_never_read_from_dotenv(monkeypatch, tmp_path):
    """A cloned repository must not send the user's key to another host."""
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
def test_a_base_url_is_normalized(url, normal):
    """So that one API has one tenant."""
    assert normalize_base_url(url) == normal


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://api.example", "use https"),
        ("http://127.0.0.1.evil.example", "use https"),
        ("http://0.0.0.0", "use https"),
        ("api.example", "must be a URL like"),
        ("ftp://api.example", "must be a URL like"),
        ("https://", "must be a URL like"),
        ("https://api.example:99999", "must be a URL like"),
        ("https://[nonsense", "must be a URL like"),
        ("https://user:sk_hidden0in0the0url@h:99999", "got 'https://…@h:99999'"),
        ("https://ada:a/hidden0in0the0url@h", "got 'https://…@h'"),
        ("https://user:sk_hidden0in0the0url@api.example", "Remove the user"),
        ("https://api.example/?a=b", "Remove the user, query"),
        ("https://api.example/v1/", "must not end in /v1"),
    ],
)
def test_an_invalid_base_url_is_refused(url, words):
    """A key or password in it is not shown."""
    with pytest.raises(sf.ArgumentError, match=words) as caught:
        sf.Client(KEY, base_url=url)

    assert "hidden0in0the0url" not in str(caught.value)


def test_the_keyring_is_the_last_source(monkeypatch):
    """A missing, locked or broken keyring is ignored."""
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
