"""The one judge of what comes back: a pure function, by table and by hypothesis."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialframe.connect.requests import Started
from socialframe.connect.verify import Callback, Verdict, check_callback
from socialframe.errors import ReplyError

NONCE = "a7As0FUyWY8_SsbUAZe_1g"
SECRET = f"/socialframe/callback/{NONCE}"
STATE = "own7:tiktok"
BOUND = f"{STATE}.{NONCE}"
OK, DENIED, BAD = Verdict.OK, Verdict.DENIED, Verdict.BAD
ELSEWHERE, WRONG = Verdict.ELSEWHERE, Verdict.WRONG_STATE

BY_PATH = [
    ("?code=abc&state=own7%3Atiktok", OK),
    ("?state=own7:tiktok&code=abc", OK),
    ("?code=abc", OK),  # a service that does not echo the state
    ("?code=abc&scope=a&scope=b&iss=https://a.example", OK),
    ("?code=abc#_=_", OK),  # as Facebook puts it behind
    ("?error=access_denied&state=own7:tiktok", DENIED),
    ("?error=access_denied", DENIED),  # real providers deny without state
    ("?error=server_error&error_description=x", DENIED),
    ("?error=", DENIED),
    ("?code=abc&state=own7:instagram", WRONG),
    ("?code=abc&state=", WRONG),
    ("?error=access_denied&state=x", WRONG),
    ("?code=abc&state=own7:tikto\u212a", WRONG),
    ("?code=abc&code=abc", BAD),
    ("?code=abc&c%6fde=def", BAD),
    ("?code=abc&state=own7:tiktok&state=own7:tiktok", BAD),
    ("?error=a&error=a", BAD),
    ("?code=abc&error=access_denied", BAD),
    ("?code=", BAD),
    ("?code", BAD),
    ("?state=own7:tiktok", BAD),
    ("", BAD),
    ("?code=a%0Ab", BAD),
    ("?code=" + "a" * 4097, BAD),
    ("?code=abc" + "&a=b" * 100, BAD),
    ("x?code=abc", ELSEWHERE),
    ("/?code=abc", ELSEWHERE),
]
BY_STATE = [
    ("?code=abc&state=own7:tiktok.a7As0FUyWY8_SsbUAZe_1g", OK),
    ("?error=access_denied&state=own7%3Atiktok.a7As0FUyWY8_SsbUAZe_1g", DENIED),
    ("?code=abc&state=own7:tiktok", WRONG),  # what anybody can guess
    ("?code=abc", WRONG),
    ("?error=access_denied", WRONG),
    ("?code=abc&state=own7:tiktok.a7As0FUyWY8_SsbUAZe_1h", WRONG),
]


@pytest.mark.parametrize(("query", "verdict"), BY_PATH)
@pytest.mark.parametrize("origin", ["", "http://127.0.0.1:4711"])
def test_on_the_secret_path_a_state_may_be_missing_but_not_wrong(origin, query, verdict):
    """Whether it came as a request or as an address that was pasted."""
    assert check_callback(origin + SECRET + query, SECRET, STATE, bound=False).verdict is verdict


@pytest.mark.parametrize(("query", "verdict"), BY_STATE)
@pytest.mark.parametrize("path", ["/cb", None])
def test_on_a_registered_address_only_the_state_with_the_nonce_counts(path, query, verdict):
    """Known or not: anybody knows the address."""
    assert check_callback("/cb" + query, path, BOUND, bound=True).verdict is verdict


@pytest.mark.parametrize(
    "target",
    [f"/cb?code=abc&state={BOUND}", "https://[half", "//", "", "javascript:alert(1)", SECRET[:-1]],
)
def test_another_path_or_no_address_at_all_is_not_the_callback(target):
    """However right the rest is."""
    assert check_callback(target, SECRET, BOUND, bound=True).verdict in {ELSEWHERE, BAD}


def test_the_code_comes_out_as_the_platform_made_it_and_a_refusal_only_as_a_known_word():
    """Nothing else of a callback is ever repeated."""
    wild = check_callback(SECRET + "?code=a%2Bb%20c%2F", SECRET, STATE, bound=False)
    known = check_callback(SECRET + "?error=server_error", SECRET, STATE, bound=False)
    other = check_callback(SECRET + "?error=<script>", SECRET, STATE, bound=False)

    assert wild.code == "a+b c/"
    assert (known.refusal, other.refusal) == ("server_error", "")
    assert "a+b" not in repr(wild)
    assert NONCE not in repr(Callback(f"http://127.0.0.1:1{SECRET}"))


@given(st.text(), st.one_of(st.none(), st.text()), st.text(), st.booleans())
def test_no_text_makes_the_judge_fail(target, path, state, bound):
    """It always has a verdict."""
    assert check_callback(target, path, state, bound=bound).verdict in Verdict


@given(st.text(max_size=40), st.text(max_size=40))
def test_nobody_gets_through_who_knows_neither_path_nor_state(target, state):
    """Of all that hypothesis can think of."""
    wanted = f"{state}.{NONCE}"

    assert check_callback(target, SECRET, state, bound=False).verdict in {ELSEWHERE, BAD}
    assert check_callback(target, None, wanted, bound=True).verdict in {WRONG, BAD}


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
def test_the_nonce_goes_behind_the_state_and_the_rest_of_the_link_stays(link, bound, state):
    """Byte for byte."""
    made = Started(link, "s:t").bound("n")

    assert (made.link, made.state) == (bound, state)


def test_a_link_with_two_states_is_not_followed():
    """Nobody knows which of them would come back."""
    with pytest.raises(ReplyError, match="more than one state"):
        Started("https://a.example/?state=a&state=b", "a").bound("n")
