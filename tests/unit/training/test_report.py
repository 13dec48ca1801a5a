"""The report of a comparison: means, examples, JSON and back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from adapters.types import Task
from training.gate import decide
from training.paired import CaseKind, Held, Measured, Pair, PairedReport
from training.report import PARTS, Report, as_json, examples, from_json, make_report, parts


def pair(gain: float, *, weight: float = 1.0, passage: bool | None = None, answers: tuple[str, str] = ("", "")) -> Pair:
    old, new = answers if any(answers) else (f"old {gain}", f"new {gain}")
    return Pair(
        question=f"question {gain}",
        before=Measured(answer=old, utility=0.5 - gain / 2, right_passage=passage, characters=10),
        after=Measured(answer=new, utility=0.5 + gain / 2, right_passage=passage, characters=30),
        weight=weight,
        raters=("7",),
    )


def report() -> Report:
    held = tuple(
        Held(name=name, kind=CaseKind.TALK, before=before, after=after)
        for name, before, after in (("a", True, False), ("b", False, True), ("c", True, True))
    )
    paired = PairedReport(test=tuple(pair(0.4) for _ in range(20)), dev=(pair(0.1),), suite=held)
    decision = decide(paired, rng=np.random.default_rng(0))
    return make_report(paired, decision, task=Task.GENERATOR, candidate="generator-2", against="generator-1")


def test_means_are_weighted_and_of_the_questions_where_both_are_known() -> None:
    found = {one.name: one for one in parts([pair(0.4), pair(-0.2, weight=0.5, passage=True)])}
    assert found.keys() == {"utility", "accepted", "right passage", "characters"}
    assert found["utility"].after - found["utility"].before == pytest.approx((0.4 - 0.1) / 1.5)
    assert found["accepted"].after == pytest.approx(1 / 1.5)
    assert found["right passage"].questions == 1
    assert (found["characters"].before, found["characters"].after) == (10, 30)
    assert parts([]) == ()
    assert list(found) == [name for name in PARTS if name in found]


def test_the_examples_are_the_greatest_gains_and_the_greatest_loss() -> None:
    chosen = examples([pair(gain) for gain in (0.1, 0.9, -0.2, 0.5, 0.7, -0.6)])
    assert [one.gain for one in chosen] == pytest.approx([0.9, 0.7, -0.6])
    assert [one.gain for one in examples([pair(gain) for gain in (0.1, 0.2, 0.3, 0.4)])] == pytest.approx(
        [0.4, 0.3, 0.2]
    )
    assert examples([pair(0.0, answers=("same", "same"))]) == ()


def test_a_report_comes_back_from_json_as_it_was() -> None:
    made = report()
    assert from_json(json.loads(json.dumps(as_json(made, texts=True)))) == made
    assert (made.broken, made.mended, made.cases, made.people) == (("a",), ("b",), 3, 1)


def test_nobodys_words_are_in_a_report_that_is_kept_in_a_file() -> None:
    kept = json.dumps(as_json(report(), texts=False))
    assert "question 0.4" not in kept
    assert "old 0.4" not in kept
    assert from_json(json.loads(kept)).decision == report().decision
