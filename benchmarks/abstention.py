"""The realistic case: real retrieval in the loop, questions asked with and without the document that answers them.

    python -m benchmarks.abstention [--adapter FOLDER] [--fit] [--quick]

Each question goes through the whole message path with nothing refused; the score that the path would refuse by, its
parts and its answer are kept. `--fit` prints the constants for bot.confidence, fitted on the dev side. FeedbackQA is
split by a hash of the question, squad2_en by a hash of the passage within the articles that the adapter has never
seen; the example knowledge's dev questions are dev, its acceptance questions test; manuals are only reported.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pickle
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from adapters.bases import DEFAULT_ENCODER, resolve
from adapters.encoder.model import SentenceEncoder
from benchmarks import pictures
from benchmarks.grounded import Asked, ask_all, default_generator, opened
from benchmarks.questions import Base, examples, feedbackqa, manual, on_test_side, squad
from benchmarks.support import support_rows
from benchmarks.table import QUICK, RESULTS, Row, keep
from bot.config import Settings, folders
from bot.types import AnswerKind
from training.base_sets import HELD_OUT_ARTICLES
from training.metrics import auroc, bootstrap_mean

SEED = 0
MAX_REFUSED = 0.10  # of the answerable questions
NEGATIVE = ("removed", "refuse")


def bases(encoder: SentenceEncoder, *, quick: bool, share: float) -> Iterator[Base]:
    """The knowledge bases with a sample of their questions."""
    rng = random.Random(SEED)  # noqa: S311 - draws questions, nothing secret
    yield examples(encoder)
    if quick:
        return
    full = squad(rng, 2952)
    unseen = [q for q in full.questions if any(f":{title}:" in q.document for title in HELD_OUT_ARTICLES)]
    yield replace(
        full,
        name="squad2_en",
        questions=tuple(replace(q, test=on_test_side(q.document)) for q in rng.sample(unseen, round(120 * share))),
    )
    for base in feedbackqa(rng):
        yield replace(base, questions=tuple(base.questions[: round(40 * share)]))
    yield manual("syncthing_docs_en", "text/x-rst", "en", 164)
    yield manual("letsencrypt_docs_en_zh", "text/markdown", "en", 24)


async def ask_everything(options: argparse.Namespace) -> list[Asked]:
    """Every question to every base."""
    encoder = SentenceEncoder(resolve(DEFAULT_ENCODER, cache=folders(os.environ).cache))
    generator = default_generator(adapter=options.adapter)
    found: list[Asked] = []
    try:
        for base in bases(encoder, quick=options.quick, share=options.share):
            chosen = replace(base, questions=base.questions[:8]) if options.quick else base
            with opened(base, encoder) as knowledge:
                found += await ask_all(chosen, knowledge, encoder, generator)
            print(f"{base.name}: {len(chosen.questions)} questions asked", flush=True)
    finally:
        await generator.aclose()
    return found


def family(asked: Asked) -> str:
    """The set of a base: FeedbackQA's four are one."""
    return asked.base.split()[0]


def usable(found: Iterable[Asked]) -> list[Asked]:
    """Questions that the generator was asked, or that retrieval alone refuses; curated answers are not at stake."""
    return [one for one in found if one.answer.kind not in (AnswerKind.CURATED, AnswerKind.CANNED)]


def threshold_at(found: Sequence[Asked], share: float) -> float:
    """The score below which so large a share of the answerable dev questions lies, each set weighing the same."""
    groups: defaultdict[str, list[float]] = defaultdict(list)
    for one in found:
        if one.dev and one.kind == "answerable":
            groups[family(one)].append(one.score)
    values = np.array([value for scores in groups.values() for value in scores])
    weights = np.array([1 / len(scores) for scores in groups.values() for _ in scores])
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(reached, share)])


def figures(found: Sequence[Asked]) -> list[Row]:
    """Refusals at the default threshold and at the one that refuses a tenth of the answerable dev questions."""
    rng = np.random.default_rng(SEED)
    tenth = threshold_at(found, MAX_REFUSED)
    default = Settings().answers.min_answerability
    rows: list[Row] = []
    for name in dict.fromkeys(map(family, found)):
        own = [one for one in found if family(one) == name]
        rows += of_side(name, [one for one in own if not one.dev], default, tenth, rng)
        if name == "examples":  # few questions are left to test on, so what was tuned on is shown too
            rows += of_side("examples, dev (tuned on)", [one for one in own if one.dev], default, tenth, rng)
    return rows


def of_side(name: str, asked: Sequence[Asked], default: float, tenth: float, rng: np.random.Generator) -> Iterator[Row]:
    """A set's figures."""
    right = np.array([one.score for one in asked if one.kind == "answerable"])
    wrong = np.array([one.score for one in asked if one.kind in NEGATIVE])
    if not len(right) or not len(wrong):
        return
    area = auroc(np.concatenate([right, wrong]), np.arange(len(right) + len(wrong)) < len(right))
    yield Row(
        area="answers", what=f"{name}: AUROC, answerable against taken out or foreign", figure=area or 0.0,
        n=len(right) + len(wrong), seed=SEED,
    )  # fmt: skip
    for label, threshold in (("default threshold", default), ("a tenth of dev refused", tenth)):
        kept, refused = bootstrap_mean(right < threshold, rng), bootstrap_mean(wrong < threshold, rng)
        yield Row(
            area="answers", what=f"{name}: answerable refused, {label} {threshold:.2f}", figure=kept.value,
            goal=MAX_REFUSED, at_least=False, low=kept.low, high=kept.high, n=len(right), seed=SEED,
        )  # fmt: skip
        yield Row(
            area="answers", what=f"{name}: unanswerable refused, {label} {threshold:.2f}", figure=refused.value,
            goal=0.90, low=refused.low, high=refused.high, n=len(wrong), seed=SEED,
        )  # fmt: skip


def fit(found: Sequence[Asked]) -> None:
    """Print the constants of bot.confidence.judged_answerability: logistic regression on the dev side."""
    from sklearn.linear_model import LogisticRegression

    used = [one for one in found if one.dev and one.head is not None and one.kind in ("answerable", *NEGATIVE)]
    x = np.array([[_logit(one.retrieval), one.head, one.gain or 0.0] for one in used])
    y = np.array([one.kind == "answerable" for one in used])
    sizes: defaultdict[tuple[str, bool], int] = defaultdict(int)
    for one in used:
        sizes[family(one), one.kind == "answerable"] += 1
    weight = np.array([1 / sizes[family(one), one.kind == "answerable"] for one in used])
    model = LogisticRegression(C=1.0).fit(x, y, sample_weight=weight / weight.mean())
    print(f"fitted on {len(used)} dev cases: retrieval {model.coef_[0][0]:.3f}, head {model.coef_[0][1]:.3f}, "
          f"likelihood {model.coef_[0][2]:.3f}, bias {model.intercept_[0]:.3f}")  # fmt: skip
    for name, column in (
        ("retrieval", x[:, 0]), ("head", x[:, 1]), ("likelihood", x[:, 2]), ("all", x @ model.coef_[0]),
    ):  # fmt: skip
        print(f"  AUROC by {name}: {auroc(column, y):.3f}")


def _logit(share: float) -> float:
    clipped = min(max(share, 1e-6), 1 - 1e-6)
    return float(np.log(clipped / (1 - clipped)))


def main() -> None:
    """Ask, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", type=Path, help="another adapter than the shipped one")
    parser.add_argument("--fit", action="store_true", help="print constants fitted on the dev side")
    parser.add_argument("--answers", type=Path, help="write every question with its answer there")
    parser.add_argument("--again", type=Path, help="measure what --answers wrote, with the constants of today")
    parser.add_argument("--read", type=Path, help="write 50 of the answers that would be sent there, to be read")
    parser.add_argument("--share", type=float, default=1.0, help="of squad2_en's and FeedbackQA's questions")
    parser.add_argument("--quick", action="store_true", help="eight questions; nothing is kept")
    options = parser.parse_args()
    if options.again:
        found: list[Asked] = pickle.loads(options.again.read_bytes())  # noqa: S301 - written by the line below
    else:
        found = usable(asyncio.run(ask_everything(options)))
    if options.answers:
        options.answers.write_bytes(pickle.dumps(found))
    if options.fit:
        fit(found)
    rows = figures(found) + support_rows(found, read=options.read)
    keep(
        "abstention",
        rows,
        command=f"python -m benchmarks.abstention --share {options.share:g}",
        folder=QUICK if options.quick else RESULTS,
    )
    if not options.quick:
        pictures.risk_coverage(found)
        pictures.reliability(found)


if __name__ == "__main__":
    main()
