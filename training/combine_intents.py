"""Make one ensemble of several ways to tell an intent, with the weights under which held-out rows are likeliest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adapters.encoder.adapter import EncoderDelta
from adapters.errors import AdapterError
from adapters.intent.classifier import EnsembleClassifier, TunedEncoder
from adapters.intent.config import OUT_OF_SCOPE
from adapters.intent.ensemble import IntentEnsemble, pool, softmax
from adapters.intent.lexical import FEATURES, LexicalLayer, features, weigh_features
from adapters.intent.model import IntentHead, scope_evidence
from adapters.types import Encoder, LabelledText, Matrix
from training.calibrate import TEMPERATURES, columns_of, fit_scope
from training.few_shot import content_digest
from training.metrics import calibration_error
from training.splits import split_of
from training.types import ClassifierTraining, IntentTraining, PartReport, Split, TrainConfig

WEIGHTS: Final = (0.5, 1.0, 2.0)  # of each head after the first, whose weight is 1
WORDS_WEIGHTS: Final = (0.0, 1.0, 2.0, 3.0, 5.0)
INVERSE_PENALTY: Final = 0.5  # C of the layer over words; untuned
# Within which the temperature is looked for: no surer than the heads, which are calibrated. Few held-out rows that are
# all right would make it surer without end, and of strange texts too. Public sets choose 1.1 to 3.2 by themselves.
POOL_TEMPERATURES: Final = (1.0, TEMPERATURES[1])
MIN_GAIN: Final = 1e-3  # nats of held-out loss that words must take away to be worth their weight
MIN_LABELS: Final = 4  # fewer are told apart as well without words
MIN_DEV_ROWS: Final = 50  # fewer held-out rows say nothing about a weight (an assumption)
TIMED: Final = 20  # queries, each three times


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """A trained head with the encoder whose embeddings it reads."""

    training: IntentTraining
    encoder: Encoder
    embeddings: Matrix  # of all rows, shape (rows, dim)
    delta: EncoderDelta | None  # of a tuned encoder; None: the encoder that searches


def assemble(
    rows: Sequence[LabelledText],
    members: Sequence[Member],
    *,
    config: TrainConfig,
    now: datetime,
    words: LexicalLayer | None = None,
) -> ClassifierTraining:
    """Make what serves of trained heads, with words beside them where these make the dev side likelier.

    Args:
        rows: Labelled texts, those that the heads were trained on.
        members: First the head on the encoder that searches, then those on tuned encoders.
        config: The one of the heads' training, for its shares.
        now: Goes into the classifier's name.
        words: A layer over words to keep; None to train one, if there are labels and dev rows enough.

    Returns:
        The classifier, and what each of its parts reaches on the dev side.

    Raises:
        AdapterError: A member after the first has no delta.
    """
    started = time.perf_counter()
    first, others = members[0], members[1:]
    splits = [split_of(row.text, dev_share=config.dev_share, test_share=config.test_share) for row in rows]
    dev = np.array([split is Split.DEV for split in splits])
    held_out = [row for row, held in zip(rows, dev, strict=True) if held]
    labels = first.training.head.labels
    tried = len(labels) >= MIN_LABELS and len(held_out) >= MIN_DEV_ROWS
    if tried and words is None:
        words = fit_words([row for row, split in zip(rows, splits, strict=True) if split is Split.TRAIN], labels)
    used = words if tried else None

    def pooled(some: Sequence[Member]) -> IntentEnsemble:
        heads = [member.training.head for member in some]
        return combine(heads, used, held_out, [member.embeddings[dev] for member in some])

    found = list(_measured(held_out, dev, members, pooled))
    ensemble = found[-1][1]
    seconds = time.perf_counter() - started
    return ClassifierTraining(
        classifier=first.training.head
        if ensemble is None
        else EnsembleClassifier(
            name=_name(ensemble, now), ensemble=ensemble, tuned=tuple(_tuned(member) for member in others)
        ),
        head=first.training,
        tuned=others[0].training if others else None,
        words_weight=None if used is None else 0.0 if ensemble is None else ensemble.words_weight,
        parts=tuple(report for report, _ in found),
        seconds=sum((member.training.seconds for member in members), seconds),
    )


def _measured(
    held_out: Sequence[LabelledText],
    dev: NDArray[np.bool_],
    members: Sequence[Member],
    pooled: Callable[[Sequence[Member]], IntentEnsemble],
) -> Iterator[tuple[PartReport, IntentEnsemble | None]]:
    """Each way to tell the held-out rows with its ensemble, None for the first head alone; what serves is the last."""
    texts = [row.text for row in held_out]

    def alone(parts: str, member: Member) -> PartReport:
        head = member.training.head
        return PartReport(
            parts=parts,
            dev_accuracy=member.training.dev_accuracy,
            dev_calibration_error=member.training.dev_calibration_error,
            milliseconds=_timed(texts, lambda text: head.classify(member.encoder.encode([text]))),
        )

    def together(parts: str, ensemble: IntentEnsemble, some: Sequence[Member]) -> PartReport:
        found = ensemble.predict(texts, [member.embeddings[dev] for member in some])
        correct = np.array([intent.label == row.label for intent, row in zip(found, held_out, strict=True)])
        return PartReport(
            parts=parts + (" + words" if ensemble.words is not None else ""),
            dev_accuracy=float(correct.mean()),
            dev_calibration_error=calibration_error(np.array([intent.confidence for intent in found]), correct),
            milliseconds=_timed(
                texts, lambda text: ensemble.predict([text], [member.encoder.encode([text]) for member in some])
            ),
        )

    yield alone("frozen encoder", members[0]), None
    with_words = pooled(members[:1])
    if with_words.words is not None:
        yield together("frozen encoder", with_words, members[:1]), with_words
    if members[1:]:
        for member in members[1:]:
            yield alone("tuned encoder alone", member), None
        whole = pooled(members)
        yield together("frozen + tuned encoder", whole, members), whole


def _timed(texts: Sequence[str], classify: Callable[[str], object]) -> float:
    """Median milliseconds of one query; of each the fastest of three, for what else runs here is not to count."""

    def once(text: str) -> float:
        started = time.perf_counter()
        classify(text)
        return 1_000 * (time.perf_counter() - started)

    return float(np.median([min(once(text) for _ in range(3)) for text in texts[:TIMED]]))


def _tuned(member: Member) -> TunedEncoder:
    if member.delta is None:
        raise AdapterError("A head beside the first needs a tuned encoder; give its delta.")
    return TunedEncoder(encoder=member.encoder, delta=member.delta)


def _name(ensemble: IntentEnsemble, now: datetime) -> str:
    """A version name that tells the parts, and differs where any of them does."""
    arrays = [array for head in ensemble.heads for array in (head.weight, head.bias, head.examples)]
    if ensemble.words is not None:
        arrays.append(ensemble.words.bias)
    parts = ("+words" if ensemble.words is not None else "") + ("+tuned" if len(ensemble.heads) > 1 else "")
    return f"intent-{now:%Y%m%d}-{content_digest(*arrays)}{parts}"


def fit_words(rows: Sequence[LabelledText], labels: Sequence[str]) -> LexicalLayer:
    """Train a layer over words: one linear support vector machine a label, in seconds.

    Args:
        rows: Labelled texts; every label occurs.
        labels: In the order of the layer's columns; three or more.

    Returns:
        The layer.
    """
    from scipy.sparse import csr_matrix
    from sklearn.svm import LinearSVC

    counted = [features(row.text) for row in rows]
    seen = np.zeros(FEATURES, dtype=np.float32)
    for found in counted:
        seen[list(found)] += 1
    rarity = np.asarray(np.log((1 + len(rows)) / (1 + seen)) + 1, dtype=np.float32)
    weighed = [weigh_features(found, rarity) for found in counted]
    starts = np.cumsum([0, *(len(places) for places, _ in weighed)])
    matrix = csr_matrix(
        (
            np.concatenate([values for _, values in weighed]),
            np.concatenate([places for places, _ in weighed]),
            starts,
        ),
        shape=(len(rows), FEATURES),
    )
    fit = LinearSVC(C=INVERSE_PENALTY, random_state=0).fit(matrix, columns_of([row.label for row in rows], labels))
    return LexicalLayer(
        rarity=rarity,
        weight=np.ascontiguousarray(fit.coef_.T, dtype=np.float16),
        bias=np.asarray(fit.intercept_, dtype=np.float32),
    )


def combine(
    heads: Sequence[IntentHead],
    words: LexicalLayer | None,
    rows: Sequence[LabelledText],
    embeddings: Sequence[Matrix],
) -> IntentEnsemble:
    """Find the weights of an ensemble.

    Args:
        heads: Trained heads that know the same labels.
        words: A layer over words with the same labels, trained on the same rows; None for none.
        rows: Held-out rows, on which nothing was trained; may include rows out of scope, which the in-scope score
            then learns from.
        embeddings: Theirs, by each head's encoder.

    Returns:
        The ensemble; without the words where they do not make the held-out rows likelier.
    """
    labels = heads[0].labels
    known = np.array([row.label in labels for row in rows])
    targets = columns_of([row.label for row in rows if row.label in labels], labels)
    found = [head.evidence(part) for head, part in zip(heads, embeddings, strict=True)]
    logs = [np.log(np.maximum(one.probabilities[known], 1e-12)) for one in found]
    by_words = None if words is None else words.logits([row.text for row in rows if row.label in labels])
    tried = [
        (*_temperature(pool(logs, weights, by_words, words_weight), targets), weights, words_weight)
        for weights in product((1.0,), *[WEIGHTS] * (len(heads) - 1))
        for words_weight in (WORDS_WEIGHTS if by_words is not None else (0.0,))
    ]
    temperature, _, weights, words_weight = min(tried, key=lambda one: one[1] + MIN_GAIN * (one[3] > 0))
    inside = np.array([row.label != OUT_OF_SCOPE for row in rows])
    evidence = np.concatenate([scope_evidence(one, labels) for one in found], axis=1)
    return IntentEnsemble(
        heads=tuple(heads),
        weights=weights,
        words=words if words_weight else None,
        words_weight=words_weight,
        temperature=temperature,
        scope=fit_scope(evidence, inside),
    )


def _temperature(logits: NDArray[np.float64], targets: NDArray[np.int64]) -> tuple[float, float]:
    """The temperature under which the targets are likeliest, and their mean negative log-likelihood, nats."""
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(targets))

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits / np.exp(log_temperature))
        return float(-np.log(np.maximum(probabilities[rows, targets], 1e-12)).mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(POOL_TEMPERATURES)), method="bounded", options={"xatol": 1e-2})
    return float(np.exp(found.x)), float(found.fun)
