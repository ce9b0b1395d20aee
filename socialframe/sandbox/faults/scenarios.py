"""Bad days with a name: switches and faults together, and what a good client makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from socialframe.errors import ArgumentError
from socialframe.sandbox.faults.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One bad day."""

    story: str
    ends: str
    faults: tuple[Fault, ...] = ()
    seed: int = 0
    choices: Mapping[str, Any] = field(default_factory=dict)

    @property
    def served(self) -> bool:
        """Whether it must be served, because something happens to the connection."""
        return any(fault.stage == "wire" for fault in self.faults)


SCENARIOS: dict[str, Scenario] = {
    "flaky-evening": Scenario(
        story="One call in six fails for a moment, with or without a body, and works when it is "
        "sent again.",
        ends="Every row once, after some retries.",
        faults=(
            Fault("status", status=503, body="html", share=0.08),
            Fault("status", status=500, share=0.03),
            Fault("status", status=502, body=None, share=0.03),
            Fault("status", status=504, body=None, share=0.02),
            Fault("status", status=429, seconds=1, share=0.02),
        ),
        seed=62,
    ),
    "moving-list": Scenario(
        story="While the list is read, posts come, go and change, and one page has a row twice.",
        ends="No row twice, and a word that the list moved; a row that slipped between two pages "
        "cannot be seen by anybody.",
        faults=(
            Fault("insert", rows=3, page=3, times=1),
            Fault("duplicate", rows=2, page=4),
            Fault("delete", rows=2, page=5, times=1),
            Fault("edit", rows=2, page=6, times=1),
        ),
    ),
    "lying-totals": Scenario(
        story="The first page says 3,000 rows fewer than there are, and the later ones too many.",
        ends="Every row once, and a word or an error that the totals disagreed; never the short "
        "list.",
        faults=(Fault("total", by=-3000, page=1), Fault("total", by=250, page=range(2, 1000))),
    ),
    "strict-gatekeeper": Scenario(
        story="A free key: 60 calls in a fixed minute, Retry-After as a date, a slow first call.",
        ends="Every row once, some minutes later, and no call before the date that was named.",
        choices={
            "tier": "free",
            "window": "fixed",
            "retry_after": "date",
            "rate_limit_headers": True,
            "slow_first": 0.35,
        },
    ),
    "revoked-midway": Scenario(
        story="The key is revoked at the 20th call, and every later call is refused by a 401.",
        ends="An error that says so after one try, and no file that looks whole.",
        faults=(Fault("revoke", at=20),),
    ),
    "circle-line": Scenario(
        story="The cursor of the fourth page leads back to the third, again and again.",
        ends="An error that the API leads in a circle, after a few calls and not after thousands.",
        faults=(Fault("back", page=4),),
        choices={"paging": "cursor"},
    ),
    "elsewhere": Scenario(
        story="The Link header of the third page names another host, and the tenth call is "
        "redirected there.",
        ends="An error, and a key that the other host never got to see.",
        faults=(Fault("next_host", page=3), Fault("redirect", at=10)),
        choices={"paging": "link"},
    ),
    "old-proxy": Scenario(
        story="A proxy on the way answers with its own page and status 200, drops bodies, and cuts "
        "others short.",
        ends="Every row once after retries, or an error that says what came; never a short list.",
        faults=(
            Fault("html", share=0.06),
            Fault("empty", share=0.04),
            Fault("truncate", length="right", share=0.05),
            Fault("truncate", length="short", share=0.05),
        ),
    ),
    "slow-train": Scenario(
        story="Answers take their time, and at the third and the sixth call nothing comes for two "
        "minutes.",
        ends="Every row once after retries, or a time-out as an error; nothing waits for ever.",
        faults=(
            Fault("stall_before", seconds=120, at=3),
            Fault("stall_mid_body", seconds=120, at=6),
        ),
        choices={"latency": 0.05, "jitter": 0.05, "long_tail": 1.0},
    ),
    "restart": Scenario(
        story="Connections are reset at the fourth and the seventh call, and at the tenth the "
        "server is down for a second.",
        ends="Every row once, after some retries.",
        faults=(
            Fault("reset_mid_body", at=4),
            Fault("reset_before", at=7),
            Fault("refuse", seconds=1, at=10),
        ),
    ),
}
"""The scenarios by name."""


def scenario_arguments(name: str) -> dict[str, Any]:
    """Give the arguments of a sandbox that plays a scenario."""
    if name not in tuple(SCENARIOS):
        raise ArgumentError(f"There is no scenario {name!r}; there are: {', '.join(SCENARIOS)}.")
    scenario = SCENARIOS[name]
    return {**scenario.choices, "faults": scenario.faults, "seed": scenario.seed}
