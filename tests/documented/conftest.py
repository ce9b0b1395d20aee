"""Collects the comparison with the contract only where the contract is."""

from contract_facts import THERE

collect_ignore_glob = [] if THERE else ["test_*.py"]
