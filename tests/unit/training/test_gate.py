"""The gate: what may serve, what may be tried out, what may not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from training.errors import TrainingError
from training.gate import Decision, GateConfig, ReasonCode, decide, decide_renewal
from training.paired import CaseKind, Held, Measured, Pair, PairedReport


def pairs(*gains: float, raters: Sequence[str] = ()) -> tuple[Pair, ...]:
    return tuple(
        Pair(
            question=f"question {number}",
            before=Measured(answer="old", utility=0.5 - gain / 2),
            after=Measured(answer="new", utility=0.5 + gain / 2),
            raters=tuple(raters[number : number + 1]),
        )
        for number, gain in enumerate(gains)
    )


def case(name: str, *, before: bool, after: bool, kind: CaseKind = CaseKind.KNOWLEDGE) -> Held:
    return Held(name=name, kind=kind, before=before, after=after)


def decided(report: PairedReport, config: GateConfig | None = None) -> Decision:
    return decide(report, config, rng=np.random.default_rng(0))


def codes(decision: Decision) -> list[ReasonCode]:
    return [reason.code for reason in decision.reasons]


BETTER = pairs(*[0.6] * 8, *[0.0] * 20, *[-0.3] * 2)
WORSE = pairs(*[-0.6] * 8, *[0.0] * 20, *[0.3] * 2)


def test_a_clearly_better_candidate_may_serve_everybody() -> None:
    decision = decided(PairedReport(test=BETTER))
    assert (decision.promote, decision.canary_required, decision.missing) == (True, False, 0)
    assert codes(decision) == [ReasonCode.BETTER, ReasonCode.KEPT]
    assert decision.gain is not None
    assert decision.gain.value == pytest.approx((8 * 0.6 - 2 * 0.3) / 30)
    assert decision.reasons[0].values["gain"] == decision.gain.value


def test_a_clearly_worse_candidate_is_turned_down() -> None:
    decision = decided(PairedReport(test=WORSE))
    assert not decision.promote
    assert not decision.canary_required
    assert codes(decision)[0] is ReasonCode.WORSE


def test_questions_left_out_in_turn_speak_for_a_candidate() -> None:
    same = pairs(*[0.0] * 20)
    decision = decided(PairedReport(test=same, in_turn=BETTER))
    assert (decision.promote, decision.canary_required) == (True, False)
    assert decision.reasons[0].values["questions"] == len(same) + len(BETTER)
    assert not decided(PairedReport(test=same)).promote
    assert not decided(PairedReport(test=same, in_turn=WORSE)).promote


def test_where_the_test_side_shows_the_candidate_worse_others_of_its_kind_cannot_make_up_for_it() -> None:
    much = (*BETTER, *BETTER, *BETTER, *BETTER)
    assert decided(PairedReport(test=pairs(*[0.0] * 15), in_turn=much)).promote
    decision = decided(PairedReport(test=WORSE, in_turn=much))
    assert (decision.promote, codes(decision)[0]) == (False, ReasonCode.WORSE)
    assert decision.reasons[0].values["questions"] == len(WORSE)
    assert decision.gain is not None
    assert decision.gain.value == decision.reasons[0].values["gain"] < 0, "the admin is told what turned it down"


@pytest.mark.parametrize("few", [0, 14])
def test_where_the_test_side_is_too_small_a_canary_is_not_optional(few: int) -> None:
    decision = decided(PairedReport(test=pairs(*[0.0] * few), in_turn=BETTER))
    assert (decision.promote, decision.canary_required, decision.missing) == (True, True, 0)
    assert codes(decision)[0] is ReasonCode.LIKELY, "which says that a share of the conversations comes first"


def test_a_test_side_that_is_too_small_neither_shows_nor_hides_anything_by_itself() -> None:
    assert decided(PairedReport(test=pairs(-0.9, -0.9), in_turn=BETTER * 4)).promote
    hint = decided(PairedReport(test=pairs(0.0, 0.0), in_turn=pairs(0.5, 0.5, 0.0)))
    assert (hint.promote, hint.canary_required, hint.missing) == (True, True, 10)
    assert hint.gain is not None
    assert hint.gain.value == pytest.approx(0.2)
    against = decided(PairedReport(test=pairs(-0.1, 0.0), in_turn=pairs(0.9, 0.9, 0.9)))
    assert (against.promote, codes(against)[0]) == (False, ReasonCode.NO_HINT)
    assert against.reasons[0].values == {"gain": pytest.approx(-0.05), "questions": 2}


def test_what_was_asked_in_turn_has_no_say_where_a_version_must_go() -> None:
    rng = np.random.default_rng(0)
    falls = PairedReport(test=pairs(*[-0.3] * 20), in_turn=BETTER * 20)
    assert not decide_renewal(falls, rng=rng).promote
    assert decide_renewal(PairedReport(test=pairs(*[0.0] * 40), in_turn=WORSE * 4), rng=rng).promote


def test_the_same_answers_are_no_gain() -> None:
    decision = decided(PairedReport(test=pairs(*[0.0] * 40)))
    assert not decision.promote
    assert codes(decision)[0] is ReasonCode.NOT_SHOWN


def test_what_is_likely_but_not_sure_serves_as_a_canary_only() -> None:
    report = PairedReport(test=pairs(*[0.6] * 4, *[-0.6] * 1, *[0.0] * 25))
    decision = decided(report)
    assert decision.sure is not None
    assert 0.8 <= decision.sure < 0.9
    assert (decision.promote, decision.canary_required) == (True, True)
    assert codes(decision)[0] is ReasonCode.LIKELY
    assert not decided(report, GateConfig(canary_sure=0.89)).promote


def test_a_sure_gain_that_is_worth_nothing_is_left() -> None:
    decision = decided(PairedReport(test=pairs(*[0.005] * 200)), GateConfig(imagined=0.0))
    assert not decision.promote
    assert codes(decision)[0] is ReasonCode.SMALL


def test_a_suite_that_breaks_more_than_it_mends_outweighs_any_gain() -> None:
    broken, mended = case("a", before=True, after=False), case("b", before=False, after=True)
    assert decided(PairedReport(test=BETTER, suite=(broken, mended))).promote
    decision = decided(PairedReport(test=BETTER, suite=(broken, broken, mended)))
    assert not decision.promote
    assert decision.reasons[0].code is ReasonCode.BROKEN
    assert decision.reasons[0].values == {"broken": 2.0, "mended": 1.0, "cases": 3.0}


def test_a_new_attack_that_succeeds_cannot_be_made_up_for() -> None:
    attack = case("ignore", before=True, after=False, kind=CaseKind.ATTACK)
    mended = [case(str(number), before=False, after=True) for number in range(9)]
    decision = decided(PairedReport(test=BETTER, suite=(attack, *mended)))
    assert not decision.promote
    assert codes(decision)[0] is ReasonCode.ATTACK


def test_an_attack_that_always_succeeded_is_not_held_against_the_candidate() -> None:
    old = case("ignore", before=False, after=False, kind=CaseKind.ATTACK)
    assert decided(PairedReport(test=BETTER, suite=(old,))).promote


def test_too_few_questions_say_how_many_are_missing_and_ask_for_a_canary() -> None:
    decision = decided(PairedReport(test=pairs(*[0.5] * 6), dev=pairs(0.5, 0.2)))
    assert (decision.promote, decision.canary_required, decision.missing) == (True, True, 9)
    assert codes(decision) == [ReasonCode.HINT, ReasonCode.TOO_FEW, ReasonCode.KEPT]
    assert decision.reasons[1].values == {"questions": 6.0, "needed": 15.0, "missing": 9.0}


@pytest.mark.parametrize(
    ("test", "dev"),
    [((-0.5, 0.2), (0.9, 0.9)), ((), (-0.2, 0.1)), ((0.0,), (0.0,))],
    ids=["the test side falls", "the dev side falls", "nothing changes"],
)
def test_too_few_questions_that_speak_against_it_turn_it_down(test: tuple[float, ...], dev: tuple[float, ...]) -> None:
    decision = decided(PairedReport(test=pairs(*test), dev=pairs(*dev)))
    assert not decision.promote
    assert ReasonCode.NO_HINT in codes(decision)


def test_without_any_held_out_question_nothing_is_promoted() -> None:
    decision = decided(PairedReport(test=(), suite=(case("a", before=True, after=True),)))
    assert not decision.promote
    assert decision.gain is None
    assert codes(decision)[0] is ReasonCode.NOTHING


def test_one_persons_many_verdicts_do_not_carry_a_candidate_alone() -> None:
    alone = pairs(*[0.9] * 30, *[-0.3] * 24, raters=["eve"] * 30 + [f"p{n}" for n in range(24)])
    shared = pairs(*[0.9] * 30, *[-0.3] * 24, raters=[f"p{n}" for n in range(54)])
    assert decided(PairedReport(test=shared)).promote
    assert not decided(PairedReport(test=alone)).promote


def test_impossible_thresholds_are_refused_with_a_sentence() -> None:
    with pytest.raises(TrainingError, match=r"canary_sure <= sure"):
        GateConfig(sure=0.7)
    with pytest.raises(TrainingError, match="least_gain"):
        GateConfig(least_gain=-0.1)


def renewed(report: PairedReport) -> Decision:
    return decide_renewal(report, rng=np.random.default_rng(0))


def test_where_somebody_is_to_be_forgotten_as_good_is_enough() -> None:
    same = PairedReport(test=pairs(*[0.3] * 3, *[-0.3] * 3, *[0.0] * 34))
    assert not decided(same).promote
    decision = renewed(same)
    assert (decision.promote, decision.canary_required, decision.missing) == (True, False, 0)
    assert codes(decision) == [ReasonCode.NO_WORSE, ReasonCode.KEPT]
    assert decision.reasons[0].values == {"gain": 0.0, "margin": 0.05, "questions": 40.0}


def test_a_candidate_that_loses_more_than_the_margin_takes_nobody_s_place() -> None:
    decision = renewed(PairedReport(test=WORSE))
    assert not decision.promote
    assert codes(decision)[0] is ReasonCode.FALLS


def test_what_loses_a_little_for_sure_may_still_take_the_place() -> None:
    assert renewed(PairedReport(test=pairs(*[-0.01] * 60))).promote
    assert not renewed(PairedReport(test=pairs(*[-0.09] * 60))).promote


def test_with_too_few_questions_they_must_not_speak_against_it() -> None:
    few = renewed(PairedReport(test=pairs(0.0, 0.2, 0.0)))
    assert (few.promote, few.missing) == (True, 12)
    assert not renewed(PairedReport(test=pairs(0.0, -0.6, 0.0))).promote
    nothing = renewed(PairedReport(test=()))
    assert (nothing.promote, nothing.gain, nothing.sure, nothing.missing) == (True, None, None, 15)


def test_a_place_is_not_taken_by_what_breaks_the_suite() -> None:
    broken = (case("greets", before=True, after=False),)
    decision = renewed(PairedReport(test=pairs(*[0.5] * 40), suite=broken))
    assert not decision.promote
    assert codes(decision)[0] is ReasonCode.BROKEN
