"""JSON as the API writes it."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]

# ``json.dumps`` would make a new encoder for every call.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def dumps(value: object) -> bytes:
    """Write compact JSON in UTF-8."""
    return _ENCODER.encode(value).encode()
