"""What the sandbox may import of the toolkit."""

import ast
from pathlib import Path

import socialframe.sandbox

FOLDER = Path(socialframe.sandbox.__file__).parent
ALLOWED = ("socialframe.errors", "socialframe.version", "socialframe.sandbox")


def imported(path):
    """Yield the modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names)


def test_the_sandbox_imports_only_errors_and_version():
    """Tests of the toolkit rely on the sandbox being independent of it."""
    found = {module for path in FOLDER.rglob("*.py") for module in imported(path)}

    ours = {module for module in found if module.split(".")[0] == "socialframe"}
    assert "socialframe.errors" in ours
    assert [module for module in sorted(ours) if not module.startswith(ALLOWED)] == []
