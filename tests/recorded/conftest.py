"""Collects the recorded walks only where the recordings are."""

from recordings import THERE

collect_ignore_glob = [] if THERE else ["test_*.py"]
