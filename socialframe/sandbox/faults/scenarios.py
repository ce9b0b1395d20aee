"""Named scenarios: switches and faults, and the expected result of a good client."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from socialframe.errors import ArgumentError
from socialframe.sandbox.faults.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario: its story, the result of a good client, and the arguments of `Sandbox`."""

    story: str
    ends: str
    faults: tuple[Fault, ...] = ()
    seed: int = 0
    choices: Mapping[str, Any] = field(default_factory=dict)

    @property
    def served(self) -> bool:
        """Whether the sandbox must be served, because a fault concerns the connection."""
        return any(fault.stage == "wire" for fault in self.faults)


SCENARIOS: dict[str, Scenario] = {
    "flaky-evening": Scenario(
        story="One request in six fails, with or without a body, and a retry works.",
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
        story="During the walk posts are added, deleted and edited, and one page has a row twice.",
        ends="No row twice, and a warning that the list moved; a row that moved to a page already "
        "read cannot be seen.",
        faults=(
            Fault("insert", rows=3, page=3, times=1),
            Fault("duplicate", rows=2, page=4),
            Fault("delete", rows=2, page=5, times=1),
            Fault("edit", rows=2, page=6, times=1),
        ),
    ),
    "lying-totals": Scenario(
        story="The total is 3,000 rows too low on the first page and too high on later ones.",
        ends="Every row once and a warning, or an error that the totals disagree; never a partial "
        "list.",
        faults=(Fault("total", by=-3000, page=1), Fault("total", by=250, page=range(2, 1000))),
    ),
    "strict-gatekeeper": Scenario(
        story="A free key: 60 requests in a fixed minute, Retry-After as a date, a slow start.",
        ends="Every row once after some minutes, and no request before the date of Retry-After.",
        choices={
            "tier": "free",
            "window": "fixed",
            "retry_after": "date",
            "rate_limit_headers": True,
            "slow_first": 0.35,
        },
    ),
    "revoked-midway": Scenario(
        story="The key is revoked at the 20th request, and every later request gets a 401.",
        ends="An error without retries, and no file that looks complete.",
        faults=(Fault("revoke", at=20),),
    ),
    "circle-line": Scenario(
        story="The cursor of the fourth page leads back to the third.",
        ends="An error about the loop after a few requests.",
        faults=(Fault("back", page=4),),
        choices={"paging": "cursor"},
    ),
    "elsewhere": Scenario(
        story="The Link header of the third page names another host, and the tenth request is "
        "redirected there.",
        ends="An error; the other host never receives the key.",
        faults=(Fault("next_host", page=3), Fault("redirect", at=10)),
        choices={"paging": "link"},
    ),
    "old-proxy": Scenario(
        story="A proxy answers with its own page and status 200, or drops or truncates bodies.",
        ends="Every row once after retries, or an error about the body; never a partial list.",
        faults=(
            Fault("html", share=0.06),
            Fault("empty", share=0.04),
            Fault("truncate", length="right", share=0.05),
            Fault("truncate", length="short", share=0.05),
        ),
    ),
    "slow-train": Scenario(
        story="Responses are slow, and the third and the sixth stall for two minutes.",
        ends="Every row once after retries, or a timeout error.",
        faults=(
            Fault("stall_before", seconds=120, at=3),
            Fault("stall_mid_body", seconds=120, at=6),
        ),
        choices={"latency": 0.05, "jitter": 0.05, "long_tail": 1.0},
    ),
    "restart": Scenario(
        story="Connections are reset at the fourth and the seventh request, and at the tenth the "
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
    if name not in tuple(SCENARIOS):
        raise ArgumentError(f"Unknown scenario {name!r}; the scenarios are {', '.join(SCENARIOS)}.")
    scenario = SCENARIOS[name]
    return {**scenario.choices, "faults": scenario.faults, "seed": scenario.seed}
