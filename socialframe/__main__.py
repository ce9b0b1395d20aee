"""``python -m socialframe``."""

from __future__ import annotations

from socialframe.cli import main

main(prog_name="socialframe")
