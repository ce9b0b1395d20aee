"""Public names of the package and what importing them loads."""

import inspect
import subprocess
import sys

import pytest

import socialframe as sf

HEAVY = (
    "pandas",
    "pyarrow",
    "ipywidgets",
    "requests",
    "httpx",
    "werkzeug",
    "matplotlib",
    "keyring",
    "numpy",
    "tqdm",
    "click",
    "cheroot",
)


def loaded(code):
    """Return the heavy modules that some code loads in a new process."""
    script = f"import sys\n{code}\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.strip().splitlines()[-1]


def test_all_is_sorted_and_every_name_in_it_loads():
    """Upper case comes first."""
    assert sf.__all__ == sorted(sf.__all__)
    for name in sf.__all__:
        assert getattr(sf, name).__name__ == name
    assert set(sf.__all__) < set(dir(sf))


def test_every_exported_name_has_a_docstring():
    """So does every public method of an exported class."""
    for name in sf.__all__:
        value = getattr(sf, name)
        assert inspect.getdoc(value), name
        for one, member in vars(value).items() if inspect.isclass(value) else ():
            if not one.startswith("_") and (inspect.isfunction(member) or hasattr(member, "fget")):
                assert inspect.getdoc(member), f"{name}.{one}"


def test_an_unknown_name_is_an_attribute_error():
    """As in any module."""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sf.nothing  # noqa: B018 - the access is the test


def test_the_version_equals_the_version_of_the_distribution():
    """It is written in one file."""
    from importlib.metadata import version

    assert sf.__version__ == version("socialframe")


@pytest.mark.processes
def test_importing_socialframe_loads_no_heavy_module():
    """Nor does importing an error."""
    assert loaded("import socialframe") == "[]"
    assert loaded("from socialframe import SocialFrameError") == "[]"


@pytest.mark.processes
def test_a_client_loads_no_pandas_before_a_query_runs():
    """The help of the command line loads only click."""
    code = "import socialframe; socialframe.Client('sk_made0up0key').posts()"
    assert "pandas" not in loaded(code)
    assert "pyarrow" not in loaded(code)
    help_code = (
        "from socialframe.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    )
    assert loaded(help_code) == "['click']"
