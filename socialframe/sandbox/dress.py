"""What the switches change on an answer that is otherwise done."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from socialframe.sandbox.answers import Answer
    from socialframe.sandbox.switches import Switches


def dressed(answer: Answer, request: Request, switches: Switches) -> Answer:  # noqa: ARG001 - one interface
    """Give an answer the form that the switches say."""
    return answer
