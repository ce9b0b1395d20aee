"""Lines of curl, run as a person would paste them; and whether there is a curl to run them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any, NamedTuple

# Where CI is set, a missing curl makes the tests fail: there nothing may be left out unseen.
THERE = bool(shutil.which("curl") or os.environ.get("CI"))

# No settings of the developer's, and the head of the answer beside its body.
_CURL = 'curl() { command curl -q -sS -D /dev/stderr "$@"; }\n'


class Said(NamedTuple):
    """The last answer that curl got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)


def curl(line: str, **variables: str) -> Said:
    """Run a line in a shell that knows the variables; it has to end well."""
    done = subprocess.run(
        ["sh", "-ec", _CURL + line],
        env={**os.environ, **variables},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    # A large body is announced first, and answered by a head of its own: 100 Continue.
    *_, head = done.stderr.decode("latin-1").strip().split("\r\n\r\n")
    first, *rest = head.split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)
    }
    return Said(int(first.split()[1]), headers, done.stdout)
