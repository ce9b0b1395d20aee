"""A Secret never shows its key."""

import copy
import json
import pickle
import traceback

import pytest
from stand_ins import KEY

from socialframe.errors import InvalidKeyError
from socialframe.redact import redacted
from socialframe.secret import Secret, tenant


def test_a_secret_never_shows_its_key():
    """Not in repr, str, format, dir or f-strings; it has no vars."""
    secret = Secret(KEY)

    shown = f"{secret} {secret!r} {secret!s} {[secret]} {dir(secret)}" + "{}".format(secret)  # noqa: UP032

    assert KEY not in shown
    assert KEY[3:] not in shown
    assert not hasattr(secret, "__dict__")


def test_a_secret_does_not_pickle_and_copies_are_the_same_object():
    """A pickle would contain the key."""
    secret = Secret(KEY)

    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    assert copy.deepcopy(secret) is secret
    assert copy.copy(secret) is secret


def test_secrets_are_equal_if_their_keys_are():
    """A string is not equal, and there is no hash."""
    assert Secret(KEY) == Secret(KEY)
    assert Secret(KEY) != Secret(KEY + "x")
    assert Secret(KEY) != KEY
    with pytest.raises(TypeError):
        hash(Secret(KEY))


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "sk_",
        "SK_abc",
        "pk_abcdef",
        " sk_abc",
        "sk_abc\n",
        "sk_a b",
        "sk_a\tb",
        "sk_ä",
        "sk_a\0",
    ],
)
def test_an_invalid_key_is_refused_and_not_shown(wrong):
    """The message describes the format of a key."""
    with pytest.raises(InvalidKeyError, match="looks like sk_") as caught:
        Secret(wrong)

    assert not wrong or str(wrong) not in str(caught.value) or wrong == "sk_"


def test_a_traceback_with_local_variables_does_not_show_a_refused_key():
    """No frame of ours still holds the key."""
    try:
        Secret(KEY + "\n")
    except InvalidKeyError as error:
        frames = traceback.TracebackException.from_exception(error, capture_locals=True)
        ours = [frame for frame in frames.stack if frame.filename.endswith("secret.py")]

    assert ours
    assert all(KEY not in str(frame.locals) for frame in ours)


def test_tenants_differ_by_key_and_host():
    """The same key and host give the same tenant, which does not contain the key."""
    one = tenant("https://api.example", Secret(KEY))

    assert one == tenant("https://api.example", Secret(KEY))
    assert one != tenant("https://api.example", Secret(KEY + "x"))
    assert one != tenant("https://api.example2", Secret(KEY))
    assert KEY not in one


def test_keys_in_texts_are_redacted():
    """A server may repeat the key in an error message."""
    assert redacted(f'Invalid API key "{KEY}" and sk_a/b+c== too') == (
        'Invalid API key "sk_…" and sk_… too'
    )
    assert redacted("the sk_ prefix") == "the sk_ prefix"


@pytest.mark.parametrize(
    "echo",
    [
        f"?key={KEY}&x",
        f"%20{KEY}",
        f"Bearer{KEY}",
        KEY.replace("_", "%5F"),
        KEY.replace("sk_", "%73%6b%5f"),
        KEY.replace("_", "%255f"),
        KEY.replace("_", "\\u005f"),
    ],
)
def test_keys_are_redacted_in_each_encoding(echo):
    """As part of a URL, within a word, or in JSON."""
    assert KEY[3:12] not in redacted(f"Not found: {echo}.")


@pytest.mark.parametrize("name", ["task_name", "disk_usage_mb", "risk_levels_by_country"])
def test_a_word_that_contains_the_prefix_is_left_alone(name):
    """A name in an error must be readable."""
    assert redacted(f"It has {name!r}.") == f"It has {name!r}."
