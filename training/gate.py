"""Whether a candidate may serve: the rule, with what it decided by as numbers (pure).

The thresholds were chosen by simulation (benchmarks/gate.py); what the rule is and why: docs/adr/0010.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import numpy as np

from training.errors import TrainingError
from training.paired import CaseKind, Pair, PairedReport, capped, effective, gain_interval, mean_gain, resampled_gains
from training.types import Interval

RENEWAL_MARGIN: Final = 0.05  # of utility: what may be lost where somebody is to be forgotten, five points of a hundred


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConfig:
    """How much has to be shown.

    Raises:
        TrainingError: A value is outside its range.
    """

    min_questions: float = 15.0  # held-out questions of equal weight, below which they do not decide, >= 1
    sure: float = 0.9  # share of the resamples in which the candidate is better, to serve everybody, [0.5, 1)
    canary_sure: float = 0.8  # the same, to serve a share of the conversations under watch, [0.5, sure]
    least_gain: float = 0.01  # mean gain that is worth a change, [0, 1]
    imagined: float = 0.5  # of `resampled_gains`, >= 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not (self.min_questions >= 1 and 0.5 <= self.canary_sure <= self.sure < 1):  # noqa: PLR2004 - a coin's
            raise TrainingError(
                f"The gate needs min_questions >= 1 and 0.5 <= canary_sure <= sure < 1; it was given "
                f"{self.min_questions:g}, {self.canary_sure:g} and {self.sure:g}."
            )
        if not (0 <= self.least_gain <= 1 and self.imagined >= 0):
            raise TrainingError(
                f"The gate needs 0 <= least_gain <= 1 and imagined >= 0; it was given {self.least_gain:g} and "
                f"{self.imagined:g}."
            )


class ReasonCode(StrEnum):
    """What spoke for or against; the bot has a sentence for each in every language (gate-CODE)."""

    ATTACK = "attack"  # cases: attacks that had no success before
    BROKEN = "broken"  # broken, mended, cases
    KEPT = "kept"  # broken, mended, cases
    BETTER = "better"  # gain, low, high, sure, questions
    LIKELY = "likely"  # the same: enough for a canary only
    NOT_SHOWN = "not-shown"  # the same, needed_sure
    SMALL = "small"  # the same: sure enough, but not worth a change
    WORSE = "worse"  # the same
    TOO_FEW = "too-few"  # questions, needed, missing
    HINT = "hint"  # gain, questions: too few to show it, but what there is speaks for the candidate
    NO_HINT = "no-hint"  # the same, and it does not
    NO_WORSE = "no-worse"  # gain, margin, questions: what `decide_renewal` asks for
    FALLS = "falls"  # the same: it is not sure enough that no more than the margin is lost
    NOTHING = "nothing"  # no held-out question at all
    NOT_ENCODED = "not-encoded"  # chunks, most: so many that no encoder was tuned; the gate itself does not say it


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that was decided by."""

    code: ReasonCode
    values: Mapping[str, float] = field(default_factory=dict)  # as the code says; shares in [0, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the gate says."""

    promote: bool
    canary_required: bool  # if promoted: only to a share of the conversations first
    gain: Interval | None  # of the mean utility, in [-1, 1]; None without held-out questions
    sure: float | None  # share of the resamples in which the candidate is better; None without held-out questions
    missing: int  # held-out questions that are wanting, 0 if there are enough
    reasons: tuple[Reason, ...]  # what decided first


def decide(report: PairedReport, config: GateConfig | None = None, *, rng: np.random.Generator) -> Decision:
    """Decide whether a candidate may serve.

    Args:
        report: Both versions on the same questions, and on the regression suite.
        config: How much has to be shown.
        rng: Draws the bootstrap resamples.

    Returns:
        The decision; an attack that now succeeds, a suite that is worse for it, or a test side that shows the candidate
        to be worse cannot be made up for. Where that side is too small, the canary is not optional.
    """
    config = config or GateConfig()
    suite, holds = _suite_reason(report)
    asked = capped((*report.test, *report.in_turn))
    enough = effective(asked)
    if not asked or enough < config.min_questions:
        return _by_hint(report, config, suite, enough, holds=holds, rng=rng)
    reason, gain, sure = _shown(asked, config, rng)
    own = capped(report.test)
    few = effective(own) < config.min_questions
    if report.in_turn and not few:
        itself = _shown(own, config, rng)  # the candidate, which the others stand for
        reason, gain, sure = itself if itself[0].code is ReasonCode.WORSE else (reason, gain, sure)
    if few and reason.code is ReasonCode.BETTER:
        reason = replace(reason, code=ReasonCode.LIKELY)
    promote = holds and reason.code in (ReasonCode.BETTER, ReasonCode.LIKELY)
    return Decision(
        promote=promote,
        canary_required=promote and reason.code is ReasonCode.LIKELY,
        gain=gain,
        sure=sure,
        missing=0,
        reasons=(reason, suite) if holds else (suite, reason),
    )


def _shown(pairs: Sequence[Pair], config: GateConfig, rng: np.random.Generator) -> tuple[Reason, Interval, float]:
    """What questions show: the reason, the gain and the share of the resamples in which the candidate is better."""
    gain = gain_interval(pairs, rng)
    sure = float((resampled_gains(pairs, rng, imagined=config.imagined) > 0).mean())
    values = {"gain": gain.value, "low": gain.low, "high": gain.high, "sure": sure, "questions": float(len(pairs))}
    code = _code(gain.value, sure, config)
    return Reason(code=code, values={**values, "needed_sure": config.canary_sure}), gain, sure


def decide_renewal(report: PairedReport, config: GateConfig | None = None, *, rng: np.random.Generator) -> Decision:
    """Decide whether a candidate may take the place of a version that is to go: it need not be better, only no worse.

    Where the version that serves learned from somebody who is to be forgotten, it does not stay if the candidate is
    turned down: an older one comes back, which knows less. So it is enough to be sure that no more than a few points
    are lost, and with too few questions that they do not speak against the candidate.

    Args:
        report: Both versions on the same questions, and on the regression suite; what was asked in turn has no say.
        config: How many questions are enough, and how sure is sure.
        rng: Draws the bootstrap resamples.

    Returns:
        The decision, for everybody at once; the regression suite must hold as in `decide`.
    """
    config = config or GateConfig()
    suite, holds = _suite_reason(report)
    test = capped(report.test)
    missing = max(0, int(np.ceil(config.min_questions - effective(test))))
    gains = resampled_gains(test, rng, imagined=config.imagined) if test else np.zeros(1)
    sure = float((gains > -RENEWAL_MARGIN).mean())
    few = missing > 0
    no_worse = mean_gain(test) >= -RENEWAL_MARGIN if few else sure >= config.canary_sure
    values = {"gain": mean_gain(test), "margin": RENEWAL_MARGIN, "questions": float(len(test))}
    reason = Reason(code=ReasonCode.NO_WORSE if no_worse else ReasonCode.FALLS, values=values)
    return Decision(
        promote=holds and no_worse,
        canary_required=False,
        gain=gain_interval(test, rng) if test else None,
        sure=sure if test else None,
        missing=missing,
        reasons=(reason, suite) if holds else (suite, reason),
    )


def _suite_reason(report: PairedReport) -> tuple[Reason, bool]:
    """What the regression suite says, and whether it lets the candidate through."""
    broken, mended = report.broken, report.mended
    attacks = [case for case in broken if case.kind is CaseKind.ATTACK]
    if attacks:
        return Reason(code=ReasonCode.ATTACK, values={"cases": float(len(attacks))}), False
    values = {"broken": float(len(broken)), "mended": float(len(mended)), "cases": float(len(report.suite))}
    holds = len(broken) <= len(mended)
    return Reason(code=ReasonCode.KEPT if holds else ReasonCode.BROKEN, values=values), holds


def _code(gain: float, sure: float, config: GateConfig) -> ReasonCode:
    if sure < config.canary_sure:
        return ReasonCode.WORSE if sure < 1 - config.canary_sure else ReasonCode.NOT_SHOWN
    if gain < config.least_gain:
        return ReasonCode.SMALL
    return ReasonCode.BETTER if sure >= config.sure else ReasonCode.LIKELY


def _by_hint(
    report: PairedReport,
    config: GateConfig,
    suite: Reason,
    enough: float,
    *,
    holds: bool,
    rng: np.random.Generator,
) -> Decision:
    """Decide where the held-out questions are too few: by the suite, and by the dev side with what there is."""
    missing = int(np.ceil(config.min_questions - enough))
    few = Reason(
        code=ReasonCode.TOO_FEW,
        values={
            "questions": float(len(report.test) + len(report.in_turn)),
            "needed": config.min_questions,
            "missing": float(missing),
        },
    )
    asked, own = capped((*report.test, *report.in_turn)), capped(report.test)
    seen = capped((*report.test, *report.in_turn, *report.dev)) if mean_gain(own) >= 0 else own
    gain = mean_gain(seen)
    better = gain >= config.least_gain
    hint = Reason(
        code=ReasonCode.HINT if better else ReasonCode.NO_HINT if seen else ReasonCode.NOTHING,
        values={"gain": gain, "questions": float(len(seen))} if seen else {},
    )
    return Decision(
        promote=holds and better,
        canary_required=holds and better,
        gain=gain_interval(asked, rng) if asked else None,
        sure=float((resampled_gains(asked, rng, imagined=config.imagined) > 0).mean()) if asked else None,
        missing=missing,
        reasons=(hint, few, suite) if holds else (suite, hint, few),
    )
