"""The API in a box: made-up people, real rules, no network.

`Sandbox` is a WSGI application that follows the documentation of the API, and the sibling API where
nothing is documented. All people, posts and numbers in it are invented.
"""

from socialframe.sandbox.api.request_log import Asked
from socialframe.sandbox.app import Sandbox
from socialframe.sandbox.faults.faults import Fault, parse_fault
from socialframe.sandbox.faults.scenarios import SCENARIOS
from socialframe.sandbox.paging.families import PAGINGS
from socialframe.sandbox.switches import Switches

__all__ = ["PAGINGS", "SCENARIOS", "Asked", "Fault", "Sandbox", "Switches", "parse_fault"]
