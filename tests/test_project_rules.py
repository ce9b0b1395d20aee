"""Rules of the project that no linter checks."""

import ast
import io
import re
import subprocess
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "socialframe").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def name(path):
    """Return the path of a file in the checkout."""
    return str(path.relative_to(ROOT))


def code_lines(text, tree):
    """Return the numbers of the lines that hold code: no comment, docstring or blank line."""
    skipped = (
        *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
        tokenize.ENDMARKER,
    )
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skipped:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node, clean=False
        ):
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return lines


def test_files_and_functions_are_short():
    """At most 400 lines of code a file and 60 a function; test files may be longer."""
    too_long = []
    for path in [*SOURCES, *TESTS, *(ROOT / "data").glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        long_functions = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 60
        ]
        if not long_functions and (path in TESTS or text.count("\n") <= 400):
            continue  # short even with comments and docstrings; the tokenizer is slow
        lines = code_lines(text, tree)
        if path not in TESTS and len(lines) > 400:
            too_long.append(f"{name(path)}: {len(lines)} lines")
        for node in long_functions:
            own = lines & set(range(node.lineno, node.end_lineno + 1))
            if len(own) > 60:
                too_long.append(f"{name(path)}: {node.name} has {len(own)} lines")

    assert too_long == []


def test_every_test_has_a_docstring_and_no_mock():
    """The docstring says the behaviour; no test replaces our own code or is skipped."""
    found = []
    for path in TESTS:
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found += [f"{name(path)}: {node.name}"] * (not ast.get_docstring(node))
        if path != Path(__file__):
            mocks = r"\bMock\(|mock\.patch|pytest\.skip|mark\.skip|mark\.xfail"
            ours = r"monkeypatch\.setattr\(\s*(sf\b|socialframe|\"socialframe)"
            found += [name(path)] * bool(re.search(f"{mocks}|{ours}", text))

    assert found == []


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


def test_the_changelog_knows_the_version():
    """What is released is described."""
    from socialframe.version import VERSION

    assert f"## [{VERSION}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
