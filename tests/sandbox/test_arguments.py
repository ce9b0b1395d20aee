"""Invalid arguments of the sandbox: one clear sentence each, and no other error."""

from __future__ import annotations

import re

import pytest

from socialframe.errors import ArgumentError
from socialframe.sandbox import Fault, Sandbox


def served(**where):
    with Sandbox().serve(**where):
        pass


def with_key(key):
    sandbox = Sandbox()
    sandbox.key = key


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Sandbox(faults=None), "faults must be a list of faults; got None."),
        (
            lambda: Sandbox(faults=Fault("html")),
            "faults must be a list of faults; got Fault('html').",
        ),
        (lambda: Sandbox(tier=[]), "tier must be 'free' or 'paid'; got []."),
        (lambda: Sandbox.scenario([]), "Unknown scenario []; "),
        (lambda: served(port="80"), "port must be an integer from 0 to 65535; got '80'."),
        (lambda: served(port=70000), "port must be an integer from 0 to 65535; got 70000."),
        (lambda: served(port=True), "port must be an integer from 0 to 65535; got True."),
        (lambda: served(host=2130706433), "host must be a loopback address "),
        (lambda: Sandbox(key=5), "key must be text; got int."),
        (lambda: Sandbox(key=b"sk"), "key must be text; got bytes."),
        (lambda: Sandbox(key=""), "key must be one line of text"),
        (lambda: Sandbox(key="a\nb"), "key must be one line of text "),
        (lambda: with_key(None), "key must be text; got NoneType."),
        (lambda: Sandbox(cache_control="\u2192"), "cache_control must be ASCII text in one line; "),
        (
            lambda: Sandbox(window_seconds=1e-320),
            "window_seconds must be a number of seconds from ",
        ),
        (lambda: Fault("redirect", host="x:99999"), "host of a fault must be a host such as "),
        (lambda: Sandbox(only_redirect=""), "only_redirect must be a URL such as "),
    ],
)
def test_an_invalid_argument_is_refused(make, says):
    """What was wrong, and what it takes."""
    with pytest.raises(ArgumentError, match=re.escape(says)):
        make()


def test_a_fault_may_apply_to_a_huge_range():
    """Its length may exceed the limit of len()."""
    assert Fault("html", at=range(1, 10**30)).chosen(0, 10**20, "/v1/posts", 0)


def test_a_refused_key_is_not_shown():
    """It may be a real key with a line break at its end."""
    with pytest.raises(ArgumentError) as error:
        Sandbox(key="sk_s3cret\n")

    assert "s3cret" not in str(error.value)
