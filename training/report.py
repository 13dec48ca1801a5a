"""What a comparison of two versions leaves: the decision, what it was made by, and how it looks; JSON and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import TypeAdapter

from adapters.types import Task
from training.gate import Decision
from training.paired import Measured, Pair, PairedReport, people

EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing that was measured, of both versions, on the questions where it could be told of both."""

    name: str  # one of PARTS
    before: float
    after: float
    questions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeAfter:
    """A held-out question with the answers of both versions."""

    question: str = field(repr=False)
    before: str = field(repr=False)
    after: str = field(repr=False)
    gain: float  # [-1, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A comparison of a candidate with the version that serves."""

    task: Task
    candidate: str  # name of the version, or what else is known of it
    against: str
    decision: Decision
    parts: tuple[Part, ...]  # on the test side, utility first
    dev: tuple[Part, ...]
    people: int  # whose verdicts the test side is
    cases: int  # of the regression suite
    broken: tuple[str, ...]  # cases that held and do not any more
    mended: tuple[str, ...]
    examples: tuple[BeforeAfter, ...]  # where the answers differ most


_READ: Final[Mapping[str, Callable[[Measured], float | None]]] = {
    "utility": lambda one: one.utility,
    "accepted": lambda one: float(one.accepted),
    "agreement": lambda one: one.agreement,
    "right passage": lambda one: _share(value=one.right_passage),
    "right verdict": lambda one: _share(value=one.right_verdict),
    "grounded": lambda one: one.grounded,
    "margin": lambda one: one.margin,
    "characters": lambda one: float(one.characters),
}
PARTS: Final = tuple(_READ)
SHARES: Final = tuple(name for name in PARTS if name not in ("margin", "characters"))  # those in [0, 1]


def _share(*, value: bool | None) -> float | None:
    return None if value is None else float(value)


def make_report(paired: PairedReport, decision: Decision, *, task: Task, candidate: str, against: str) -> Report:
    """Put a report together."""
    return Report(
        task=task,
        candidate=candidate,
        against=against,
        decision=decision,
        parts=parts(paired.test),
        dev=parts(paired.dev),
        people=people(paired.test),
        cases=len(paired.suite),
        broken=tuple(case.name for case in paired.broken),
        mended=tuple(case.name for case in paired.mended),
        examples=examples(paired.test),
    )


def parts(pairs: Sequence[Pair]) -> tuple[Part, ...]:
    """Weighted means of everything that can be told of some of the questions."""
    found = []
    for name, read in _READ.items():
        rows = [(one.weight, read(one.before), read(one.after)) for one in pairs]
        known = [(weight, old, new) for weight, old, new in rows if old is not None and new is not None]
        total = sum(weight for weight, _, _ in known)
        if total:
            found.append(
                Part(
                    name=name,
                    before=sum(weight * old for weight, old, _ in known) / total,
                    after=sum(weight * new for weight, _, new in known) / total,
                    questions=len(known),
                )
            )
    return tuple(found)


def examples(pairs: Sequence[Pair], *, most: int = EXAMPLES) -> tuple[BeforeAfter, ...]:
    """The questions whose answers differ most: the gains, and where anything was lost, the greatest loss last."""
    changed = sorted((one for one in pairs if one.before.answer != one.after.answer), key=lambda one: -one.gain)
    chosen = changed[:most]
    if changed[most:] and changed[-1].gain < 0:
        chosen[-1] = changed[-1]
    return tuple(
        BeforeAfter(question=one.question, before=one.before.answer, after=one.after.answer, gain=one.gain)
        for one in chosen
    )


_JSON: Final[TypeAdapter[Report]] = TypeAdapter(Report)


def as_json(report: Report, *, texts: bool) -> dict[str, Any]:
    """A report as plain values.

    Args:
        report: What is kept.
        texts: Whether the examples' texts come along: they are people's, and not for a file that is not encrypted.
    """
    kept: dict[str, Any] = _JSON.dump_python(report if texts else replace(report, examples=()), mode="json")
    return kept


def from_json(values: Mapping[str, Any]) -> Report:
    """A report as `as_json` gave it."""
    return _JSON.validate_python(values, strict=False)
