"""Every budget store against the one contract."""

from contracts.budget_contract import BudgetContract
from socialframe.transport.budget import MemoryBudget


class TestMemory(BudgetContract):
    """In this process alone."""

    def make(self, limit, clock):
        return MemoryBudget(limit, clock=clock)
