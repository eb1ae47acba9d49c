"""Faults that a test asks for: they hit the next calls or the next steps that they fit, and are used up by that."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from managed_flink.errors import ErrorCode
from managed_flink.state import Status


class FaultKind(StrEnum):
    """What goes wrong.

    REFUSE: the call is answered with an error, and has no effect
    SLOW: the call is answered late
    LOSE_REQUEST: the connection breaks before the call has its effect
    LOSE_ANSWER: the connection breaks after the call had its effect
    FAIL_SNAPSHOT: the savepoint isn't taken, and the snapshot FAILED
    FAIL_START: a start, also that of an update or a roll-back, ends before anything runs
    HOLD: a passing status lasts until the fault is removed
    """

    REFUSE = "REFUSE"
    SLOW = "SLOW"
    LOSE_REQUEST = "LOSE_REQUEST"
    LOSE_ANSWER = "LOSE_ANSWER"
    FAIL_SNAPSHOT = "FAIL_SNAPSHOT"
    FAIL_START = "FAIL_START"
    HOLD = "HOLD"


@dataclass
class Fault:
    """A fault that was asked for.

    operation: the API's operation that it hits; any if None. For REFUSE, SLOW, LOSE_REQUEST and LOSE_ANSWER
    application: the name of the one that it hits; any if None
    times: how often it still hits; a HOLD stays until it is removed
    after: how many that fit it lets pass first
    error: what REFUSE answers
    message: what REFUSE answers, and what the operation tells after FAIL_START
    seconds: how late SLOW answers
    status: what HOLD holds; any passing status if None
    """

    kind: FaultKind
    operation: str | None = None
    application: str | None = None
    times: int = 1
    after: int = 0
    error: ErrorCode = ErrorCode.THROTTLING
    message: str = "A fault was asked for."
    seconds: float = 1.0
    status: Status | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Fault:
        """Reads one from JSON. Raises ValueError when it is no fault, with a sentence that says why."""
        unknown = sorted(set(value) - (set(cls.__dataclass_fields__) - {"id"}))
        if unknown:
            raise ValueError(f"A fault has no {unknown[0]}.")
        if "kind" not in value:
            raise ValueError(f"Say which kind of fault: one of {', '.join(FaultKind)}.")
        fault = cls(**value)
        fault.kind = FaultKind(fault.kind)
        fault.error = ErrorCode(fault.error)
        fault.status = None if fault.status is None else Status(fault.status)
        for name in ("times", "after", "seconds"):
            number = getattr(fault, name)
            if isinstance(number, bool) or not isinstance(number, int | float) or number < 0:
                raise ValueError(f"{name} has to be a number from 0, but is {number!r}.")
        return fault


class Faults:
    """The faults that are still to come. Safe to be used by several threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def remove(self, fault_id: str | None) -> int:
        """Removes one, or all without an id; returns how many there were."""
        with self._lock:
            left = [] if fault_id is None else [fault for fault in self._faults if fault.id != fault_id]
            removed = len(self._faults) - len(left)
            self._faults = left
            return removed

    def all(self) -> list[Fault]:
        with self._lock:
            return list(self._faults)

    def take(self, kind: FaultKind, application: str | None, operation: str | None = None) -> Fault | None:
        """The fault of this kind that hits now, used up by one; None if none does."""
        with self._lock:
            for fault in self._faults:
                if fault.kind is not kind or not _fits(fault, application, operation):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    def holds(self, application: str, status: Status) -> bool:
        """Whether the application is to stay in this status."""
        with self._lock:
            return any(
                fault.kind is FaultKind.HOLD and _fits(fault, application, None) and fault.status in {None, status}
                for fault in self._faults
            )


def _fits(fault: Fault, application: str | None, operation: str | None) -> bool:
    return fault.application in {None, application} and fault.operation in {None, operation}
