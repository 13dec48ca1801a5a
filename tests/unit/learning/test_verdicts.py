"""The gate's reasons in words."""

from __future__ import annotations

import numpy as np
import pytest

from bot.learning.verdicts import points, reason_lines
from bot.texts import languages
from training.gate import GateConfig, Reason, ReasonCode, decide
from training.paired import CaseKind, Held, Measured, Pair, PairedReport

ALL = {
    "cases": 55.0, "broken": 2.0, "mended": 1.0, "gain": 0.042, "low": -0.01, "high": 0.094, "sure": 0.934,
    "needed": 15.0, "needed_sure": 0.8, "questions": 44.0, "missing": 3.0, "margin": 0.05, "chunks": 9.0, "most": 5.0,
}  # fmt: skip


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_has_a_sentence_with_its_numbers_in_every_language(language: str, code: ReasonCode) -> None:
    [line] = reason_lines([Reason(code=code, values=ALL)], language)
    assert line
    if code in (ReasonCode.BETTER, ReasonCode.LIKELY):
        assert all(number in line for number in ("44", "+4.2", "-1.0", "+9.4", "93"))


def pairs(count: int, gain: float) -> tuple[Pair, ...]:
    one = Pair(question="q", before=Measured(answer="", utility=0.3), after=Measured(answer="", utility=0.3 + gain))
    return (one,) * count


@pytest.mark.parametrize(
    "report",
    [
        PairedReport(test=pairs(30, 0.3)),
        PairedReport(test=pairs(30, -0.3)),
        PairedReport(test=pairs(3, 0.3)),
        PairedReport(test=pairs(3, -0.3), dev=pairs(2, 0.1)),
        PairedReport(test=()),
        PairedReport(test=(), suite=(Held(name="a", kind=CaseKind.ATTACK, before=True, after=False),)),
        PairedReport(test=(), suite=(Held(name="a", kind=CaseKind.TALK, before=True, after=False),)),
    ],
)
@pytest.mark.parametrize("language", languages())
def test_whatever_the_gate_decides_can_be_said(report: PairedReport, language: str) -> None:
    for config in (GateConfig(), GateConfig(least_gain=1.0)):
        decision = decide(report, config, rng=np.random.default_rng(0))
        assert len(reason_lines(decision.reasons, language)) == len(decision.reasons) >= 1


def test_numbers_are_told_as_people_read_them() -> None:
    assert reason_lines(
        [Reason(code=ReasonCode.TOO_FEW, values={"questions": 6, "needed": 15.0, "missing": 9})], "en"
    ) == ("There are 6 held-out questions with ratings, and 15 are needed to decide by them: 9 are missing.",)
    assert [points(value) for value in (0.0421, -0.1, -0.0001)] == ["+4.2", "-10.0", "+0.0"]
