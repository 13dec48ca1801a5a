from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.types import AdapterVersion, Stage, Task
from bot.learning.dossier import Dossier
from bot.web.dashboard.drawing import EDGE, WIDTH, gains_of
from training.gate import Decision
from training.report import Report
from training.types import Interval


def dossier(name: str, gain: Interval | None) -> Dossier:
    """A version that was compared; None: on nothing."""
    version = AdapterVersion(
        task=Task.INTENT,
        name=name,
        number=1,
        stage=Stage.CANDIDATE,
        folder=Path(),
        base="",
        fingerprint="",
        source="",
        created_at=datetime(2026, 11, 26, tzinfo=UTC),
    )
    decision = Decision(promote=True, canary_required=False, gain=gain, sure=None, missing=0, reasons=())
    report = Report(
        task=Task.INTENT,
        candidate=name,
        against="what serves",
        decision=decision,
        parts=(),
        dev=(),
        people=1,
        cases=0,
        broken=(),
        mended=(),
        examples=(),
    )
    return Dossier(version=version, report=report)


def test_the_greatest_interval_reaches_to_the_end_and_nothing_gained_lies_in_the_middle() -> None:
    found = gains_of(
        [dossier("a", Interval(value=0.1, low=-0.05, high=0.2)), dossier("b", Interval(value=0, low=0, high=0))]
    )
    assert found["a"].high == WIDTH - EDGE
    assert found["b"].at == WIDTH / 2
    assert found["a"].low < WIDTH / 2 < found["a"].at


@pytest.mark.parametrize(
    ("low", "high", "side"), [(0.01, 0.2, "better"), (-0.2, -0.01, "worse"), (-0.1, 0.1, "unsure"), (0, 0.1, "unsure")]
)
def test_a_gain_is_shown_as_one_only_where_the_interval_leaves_nothing_out(low: float, high: float, side: str) -> None:
    mark = gains_of([dossier("a", Interval(value=(low + high) / 2, low=low, high=high))])["a"]
    assert mark.side == side


def test_small_gains_stay_small_and_what_was_not_compared_has_no_mark() -> None:
    tiny = gains_of([dossier("a", Interval(value=0.001, low=0, high=0.002)), dossier("b", None)])
    assert tiny["a"].high < WIDTH * 0.55
    assert set(tiny) == {"a"}
    assert tiny["a"].value == "+0.1"
    assert gains_of([]) == {}
