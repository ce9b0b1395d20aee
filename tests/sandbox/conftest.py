"""What the tests of the sandbox need from curl and from schemathesis.

Importing schemathesis' plugin takes longer than the start of pytest, so ``pyproject.toml`` turns it
off.
"""

from curl import THERE

collect_ignore = [] if THERE else ["test_curl.py"]


def pytest_pycollect_makemodule(module_path, parent):
    """Register the plugin before pytest collects the tests that schemathesis generates."""
    if module_path.name == "test_openapi.py":
        parent.config.pluginmanager.import_plugin("schemathesis.pytest.plugin")
