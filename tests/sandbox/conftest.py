"""Loads the pytest plugin of schemathesis only where a test needs it.

Importing the plugin takes longer than the start of pytest, so ``pyproject.toml`` turns it off.
"""


def pytest_pycollect_makemodule(module_path, parent):
    """Register the plugin before pytest collects the tests that schemathesis generates."""
    if module_path.name == "test_openapi.py":
        parent.config.pluginmanager.import_plugin("schemathesis.pytest.plugin")
