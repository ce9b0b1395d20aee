"""The check of callbacks, a pure function: a table and properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialframe.connect.requests import ConsentLink
from socialframe.connect.verify import Callback, Verdict, check_callback
from socialframe.errors import ReplyError

NONCE = "a7As0FUyWY8_SsbUAZe_1g"
SECRET = f"/socialframe/callback/{NONCE}"
STATE = "own7:tiktok"
BOUND = f"{STATE}.{NONCE}"
OK, DENIED, INVALID = Verdict.OK, Verdict.DENIED, Verdict.INVALID
WRONG_PATH, WRONG = Verdict.WRONG_PATH, Verdict.WRONG_STATE

BY_PATH = [
    ("?code=abc&state=own7%3Atiktok", OK),
    ("?state=own7:tiktok&code=abc", OK),
    ("?code=abc", OK),  # a platform that does not echo the state
    ("?code=abc&scope=a&scope=b&iss=https://a.example", OK),
    ("?code=abc#_=_", OK),  # Facebook appends this
    ("?error=access_denied&state=own7:tiktok", DENIED),
    ("?error=access_denied", DENIED),  # real providers deny without state
    ("?error=server_error&error_description=x", DENIED),
    ("?error=", DENIED),
    ("?code=abc&state=own7:instagram", WRONG),
    ("?code=abc&state=", WRONG),
    ("?error=access_denied&state=x", WRONG),
    ("?code=abc&state=own7:tikto\u212a", WRONG),
    ("?code=abc&code=abc", INVALID),
    ("?code=abc&c%6fde=def", INVALID),
    ("?code=abc&state=own7:tiktok&state=own7:tiktok", INVALID),
    ("?error=a&error=a", INVALID),
    ("?code=abc&error=access_denied", INVALID),
    ("?code=", INVALID),
    ("?code", INVALID),
    ("?state=own7:tiktok", INVALID),
    ("", INVALID),
    ("?code=a%0Ab", INVALID),
    ("?code=" + "a" * 4097, INVALID),
    ("?code=abc" + "&a=b" * 100, INVALID),
    ("x?code=abc", WRONG_PATH),
    ("/?code=abc", WRONG_PATH),
]
BY_STATE = [
    ("?code=abc&state=own7:tiktok.a7As0FUyWY8_SsbUAZe_1g", OK),
    ("?error=access_denied&state=own7%3Atiktok.a7As0FUyWY8_SsbUAZe_1g", DENIED),
    ("?code=abc&state=own7:tiktok", WRONG),  # the state that an attacker can guess
    ("?code=abc", WRONG),
    ("?error=access_denied", WRONG),
    ("?code=abc&state=own7:tiktok.a7As0FUyWY8_SsbUAZe_1h", WRONG),
]


@pytest.mark.parametrize(("query", "verdict"), BY_PATH)
@pytest.mark.parametrize("origin", ["", "http://127.0.0.1:4711"])
def test_state_on_the_secret_path_may_be_missing_but_not_wrong(origin, query, verdict):
    """For a request target and for a pasted URL."""
    assert check_callback(origin + SECRET + query, SECRET, STATE, bound=False).verdict is verdict


@pytest.mark.parametrize(("query", "verdict"), BY_STATE)
@pytest.mark.parametrize("path", ["/cb", None])
def test_registered_url_requires_the_state_with_the_nonce(path, query, verdict):
    """Whether the path is known or not: it is public."""
    assert check_callback("/cb" + query, path, BOUND, bound=True).verdict is verdict


@pytest.mark.parametrize(
    "target",
    [f"/cb?code=abc&state={BOUND}", "https://[half", "//", "", "javascript:alert(1)", SECRET[:-1]],
)
def test_other_paths_and_non_urls_are_rejected(target):
    """Even with a valid query."""
    assert check_callback(target, SECRET, BOUND, bound=True).verdict in {WRONG_PATH, INVALID}


def test_code_is_decoded_and_unknown_errors_are_dropped():
    """No other text of a callback is shown."""
    wild = check_callback(SECRET + "?code=a%2Bb%20c%2F", SECRET, STATE, bound=False)
    known = check_callback(SECRET + "?error=server_error", SECRET, STATE, bound=False)
    other = check_callback(SECRET + "?error=<script>", SECRET, STATE, bound=False)

    assert wild.code == "a+b c/"
    assert (known.error, other.error) == ("server_error", "")
    assert "a+b" not in repr(wild)
    assert NONCE not in repr(Callback(f"http://127.0.0.1:1{SECRET}"))


@given(st.text(), st.one_of(st.none(), st.text()), st.text(), st.booleans())
def test_check_never_raises(target, path, state, bound):
    """It returns a verdict for any text."""
    assert check_callback(target, path, state, bound=bound).verdict in Verdict


@given(st.text(max_size=40), st.text(max_size=40))
def test_callback_without_path_and_nonce_is_never_accepted(target, state):
    """Whatever hypothesis generates."""
    wanted = f"{state}.{NONCE}"

    assert check_callback(target, SECRET, state, bound=False).verdict in {WRONG_PATH, INVALID}
    assert check_callback(target, None, wanted, bound=True).verdict in {WRONG, INVALID}


@pytest.mark.parametrize(
    ("link", "bound", "state"),
    [
        ("https://a.example/?state=s%3At&b=1", "https://a.example/?state=s%3At.n&b=1", "s:t.n"),
        ("https://a.example/d?b=%7e&state=s#x", "https://a.example/d?b=%7e&state=s.n#x", "s.n"),
        ("https://a.example/d", "https://a.example/d?state=n", "n"),
        ("https://a.example/d?a=1", "https://a.example/d?a=1&state=n", "n"),
        ("https://a.example/d?st%61te=s", "https://a.example/d?st%61te=s.n", "s.n"),
    ],
)
def test_nonce_is_appended_to_the_state(link, bound, state):
    """The rest of the link stays the same, byte for byte."""
    made = ConsentLink(link, "s:t").with_nonce("n")

    assert (made.url, made.state) == (bound, state)


def test_link_with_two_states_is_refused():
    """It is unknown which of them would come back."""
    with pytest.raises(ReplyError, match="more than one state"):
        ConsentLink("https://a.example/?state=a&state=b", "a").with_nonce("n")
