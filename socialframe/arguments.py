"""What the arguments of a client mean: its tier, its time-outs, its budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from weakref import WeakValueDictionary

from socialframe.errors import ArgumentError
from socialframe.folders import boot_id, runtime_folder
from socialframe.http.budget import TIERS, Limit, MemoryBudget
from socialframe.http.shared_budget import SharedBudget
from socialframe.sqlite_locks import ForkLock
from socialframe.walk.plan import whole_number

if TYPE_CHECKING:
    from socialframe.http.transport import Wiring

Tier = Literal["auto", "free", "paid"]

_budgets: WeakValueDictionary[tuple[object, ...], MemoryBudget | SharedBudget] = (
    WeakValueDictionary()
)
_making = ForkLock()


def budget_of(
    tenant: str, limit: Limit, wiring: Wiring, *, adapts: bool
) -> MemoryBudget | SharedBudget:
    """Return the tenant's budget: clients of one key share it, in one process and in several."""
    outside = wiring.transport is None
    with _making():
        name = (tenant, limit, adapts, outside, wiring.clock)
        budget = _budgets.get(name)
        if budget is None and outside:
            budget = SharedBudget(
                runtime_folder,
                tenant,
                limit,
                adapts=adapts,
                clock=wiring.clock,
                boot=boot_id(),
            )
        elif budget is None:
            budget = MemoryBudget(limit, adapts=adapts, clock=wiring.clock)
        _budgets[name] = budget
        return budget


def limit_of(tier: object) -> Limit:
    """Return how many calls a tier permits."""
    if isinstance(tier, Limit):
        try:
            whole_number("calls", tier.calls)
            seconds("seconds", tier.seconds)
        except ArgumentError:
            text = f"A Limit has at least one call in some seconds, not {tier}."
            raise ArgumentError(text) from None
        return tier
    if tier == "auto":
        return TIERS["free"]
    if isinstance(tier, str) and tier in TIERS:
        return TIERS[tier]
    raise ArgumentError(f"tier takes 'auto', 'free', 'paid' or a Limit, not {tier!r}.")


def timeouts(timeout: object) -> tuple[float, float]:
    """Return the seconds to connect and to wait for data."""
    if isinstance(timeout, tuple) and len(timeout) == 2:  # noqa: PLR2004 - connect and read
        return seconds("timeout", timeout[0]), seconds("timeout", timeout[1])
    read = seconds("timeout", timeout)
    return min(5.0, read), read


def seconds(name: str, value: object, *, least: float = 1e-3) -> float:
    """Return the value, which must be a number of seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value < 1e9:  # noqa: PLR2004
        return float(value)
    raise ArgumentError(f"{name} takes a number of seconds, not {value!r}.")


def most_requests(value: object) -> int | None:
    """Return what ``max_requests`` means: a number from 1 on, or any number."""
    return None if value is None else whole_number("max_requests", value)
