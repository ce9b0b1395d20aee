"""The API in a box: made-up people, real rules, no network.

`Sandbox` is a WSGI application that follows the documentation of the API, and the sibling API where
nothing is documented. All people, posts and numbers in it are invented.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from socialframe.sandbox.api.request_log import Asked
    from socialframe.sandbox.app import Sandbox
    from socialframe.sandbox.faults.faults import Fault, parse_fault
    from socialframe.sandbox.faults.scenarios import SCENARIOS
    from socialframe.sandbox.paging.families import PAGINGS
    from socialframe.sandbox.switches import Switches

__all__ = ["PAGINGS", "SCENARIOS", "Asked", "Fault", "Sandbox", "Switches", "parse_fault"]

# Imported at the first use: the help of the command needs only the switches.
_MODULE_OF = {
    "Asked": "api.request_log",
    "Fault": "faults.faults",
    "PAGINGS": "paging.families",
    "SCENARIOS": "faults.scenarios",
    "Sandbox": "app",
    "Switches": "switches",
    "parse_fault": "faults.faults",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:  # noqa: ANN401 - names have any type
        if name not in _MODULE_OF:
            msg = f"module 'socialframe.sandbox' has no attribute {name!r}"
            raise AttributeError(msg)
        value = getattr(import_module(f"socialframe.sandbox.{_MODULE_OF[name]}"), name)
        globals()[name] = value
        return value
