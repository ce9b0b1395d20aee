"""Rules of the house that no linter knows."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "socialframe").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def name(path):
    """Name a test after its file."""
    return str(path.relative_to(ROOT))


def functions(tree):
    """Yield each function with its lines, docstring not counted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node, clean=False) is not None:
                lines -= node.body[0].end_lineno - node.body[0].lineno + 1
            yield node, lines


@pytest.mark.parametrize("path", [*SOURCES, *TESTS, *(ROOT / "data").glob("*.py")], ids=name)
def test_files_and_functions_are_short(path):
    """At most 400 lines a file and 60 a function; tests may be longer files, not functions."""
    text = path.read_text(encoding="utf-8")

    if path not in TESTS:
        assert text.count("\n") <= 400
    for node, lines in functions(ast.parse(text)):
        assert lines <= 60, node.name


@pytest.mark.parametrize("path", TESTS, ids=name)
def test_every_test_says_the_behaviour(path):
    """In a docstring; and no test replaces our own code or skips."""
    text = path.read_text(encoding="utf-8")
    for node, _ in functions(ast.parse(text)):
        if node.name.startswith("test_"):
            assert ast.get_docstring(node), node.name
    if path != Path(__file__):
        assert not re.search(r"\bMock\(|mock\.patch|pytest\.skip|mark\.skip|mark\.xfail", text)
        assert not re.search(r"monkeypatch\.setattr\(\s*(sf\b|socialframe|\"socialframe)", text)


def tracked():
    """Return the files of the checkout as git knows them; of an unpacked archive, all."""
    done = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    names = done.stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def test_no_file_names_a_registry_or_a_path_of_a_machine():
    """Pins are names and versions, nothing else."""
    hosts = re.compile("|".join(["pypi" + r"\.org", "python" + "hosted", "registry" + r"\.npmjs"]))
    for path in tracked():
        if path.suffix in {".parquet", ".png"}:
            continue
        text = path.read_text(encoding="utf-8")
        assert not hosts.search(text), path
        assert not re.search(r"(?<![\w.~])/(home|Users|root)/\w", text), path


def test_every_pin_is_plain():
    """A name and a version."""
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line), line


def test_the_glossary_explains_the_words_of_the_floors():
    """Every module that is a word of ours is in CONTEXT.md."""
    glossary = (ROOT / "CONTEXT.md").read_text(encoding="utf-8")
    for word in ("call / reply", "page", "walk", "query", "column", "frame", "budget", "sandbox"):
        assert f"| {word}" in glossary


def test_the_changelog_knows_the_version():
    """What is released is described."""
    from socialframe.version import VERSION

    assert f"## [{VERSION}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
