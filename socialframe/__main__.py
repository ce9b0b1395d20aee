"""``python -m socialframe``."""

from __future__ import annotations

from socialframe.cli.main import main

main(prog_name="socialframe")
