"""The ways to tell an intent that are measured side by side: a peer, the default head, and what is more accurate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adapters.encoder.model import SentenceEncoder
from adapters.intent.ensemble import IntentEnsemble
from adapters.intent.lexical import LexicalLayer
from adapters.intent.model import IntentHead
from adapters.types import Encoder, Intent, LabelledText, Matrix
from benchmarks.intent_sets import IntentSet, as_rows
from training.combine_intents import Member as Trained
from training.combine_intents import assemble, combine, fit_words
from training.splits import split_of
from training.train_intent import encode_rows, train_intent
from training.tune_encoder import TuneConfig, tune_intent
from training.types import IntentTraining, Split, TrainConfig

PEER_INVERSE_PENALTY: Final = 30.0  # C; of 1, 3, 10, 30 and 100 the best on the dev sides
NEW_ROWS: Final = 10  # labels that arrive before a refit
TIMED: Final = 100  # queries


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoded:
    """The texts of a set as one encoder sees them, each of shape (rows, dim)."""

    train: Matrix
    test: Matrix
    outside_train: Matrix
    outside_test: Matrix


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bench:
    """One set, the encoder that reads it, and what the encoder makes of it."""

    data: IntentSet
    folder: Path  # of the encoder
    encoder: SentenceEncoder
    encoded: Encoded
    shares: TrainConfig

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """Which training rows are kept from training, to calibrate on."""
        shares = self.shares
        rows = self.data.train
        sides = [split_of(row.text, dev_share=shares.dev_share, test_share=shares.test_share) for row in rows]
        return np.array([side is Split.DEV for side in sides])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What a variant makes of the test side and of out-of-scope rows."""

    name: str
    test: tuple[Intent, ...]
    outside_train: tuple[Intent, ...]  # empty where it was trained on these rows
    outside_test: tuple[Intent, ...]
    milliseconds: float | None = None  # of CPU time a query, encoding included
    refit_seconds: float | None = None  # of CPU time, after NEW_ROWS new rows
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """A head with its encoder, for an ensemble."""

    head: IntentHead
    encoder: Encoder
    encoded: Encoded


def encode(data: IntentSet, encoder: SentenceEncoder) -> Encoded:
    """Encode every text of a set."""
    return Encoded(
        train=encode_rows(data.train, encoder),
        test=encode_rows(data.test, encoder),
        outside_train=encode_rows(as_rows(data.outside_train), encoder),
        outside_test=encode_rows(as_rows(data.outside_test), encoder),
    )


def peer(bench: Bench) -> Measured:
    """The frozen encoder with scikit-learn's logistic regression on top; in scope by its probability."""
    from sklearn.linear_model import LogisticRegression

    encoded = bench.encoded
    fit = LogisticRegression(C=PEER_INVERSE_PENALTY, max_iter=300)
    fit.fit(encoded.train, [row.label for row in bench.data.train])

    def predict(embeddings: Matrix) -> tuple[Intent, ...]:
        if not len(embeddings):
            return ()
        found = fit.predict_proba(embeddings)
        return tuple(
            Intent(label=str(fit.classes_[column]), confidence=float(row[column]), in_scope=float(row[column]))
            for row, column in zip(found, found.argmax(axis=1), strict=True)
        )

    return Measured(
        name="peer",
        test=predict(encoded.test),
        outside_train=predict(encoded.outside_train),
        outside_test=predict(encoded.outside_test),
    )


def default(bench: Bench) -> tuple[Measured, Member]:
    """The head that `burnish intents train` makes."""
    head = train(bench, bench.data.train, bench.encoded.train).head
    measured = measure_head(
        "default head", head, bench.encoded, timed(bench.data, lambda text: head.classify(bench.encoder.encode([text])))
    )
    return measured, Member(head=head, encoder=bench.encoder, encoded=bench.encoded)


def refit_seconds(bench: Bench, words: LexicalLayer | None = None) -> float:
    """CPU seconds from new labels to a new default head; the embeddings of the other rows are kept.

    Args:
        bench: The set.
        words: Kept as they are beside the new head, whose weights are chosen anew; None for a head alone.
    """
    rows = bench.data.train
    started = time.process_time()
    new = bench.encoder.encode([row.text for row in rows[:NEW_ROWS]])
    embeddings = np.concatenate([new, bench.encoded.train[NEW_ROWS:]])
    training = train(bench, rows, embeddings)
    if words is not None:
        part = Trained(training=training, encoder=bench.encoder, embeddings=embeddings, delta=None)
        assemble(rows, [part], config=bench.shares, now=datetime.now(UTC), words=words)
    return time.process_time() - started


def default_with_outside(bench: Bench) -> Measured:
    """The default head, with the out-of-scope rows of the training side as an intent of their own."""
    encoded = bench.encoded
    rows = bench.data.train + as_rows(bench.data.outside_train)
    head = train(bench, rows, np.concatenate([encoded.train, encoded.outside_train])).head
    return Measured(
        name="default head trained on out-of-scope rows too",
        test=head.classify(encoded.test),
        outside_train=(),
        outside_test=head.classify(encoded.outside_test),
    )


def tune(bench: Bench, config: TuneConfig, log: Callable[[str], None]) -> tuple[Member, float]:
    """A tuned encoder with its head, and the CPU seconds that it took."""
    started = time.process_time()
    tuning = tune_intent(
        bench.data.train,
        bench.folder,
        config=config,
        shares=bench.shares,
        now=datetime.now(UTC),
        on_epoch=lambda report: log(
            f"  seed {config.seed}, epoch {report.epoch}: train {report.train_loss:.3f}, dev {report.dev_loss:.3f}, "
            f"accuracy {report.dev_accuracy:.3f}, {report.seconds:.0f} s"
        ),
    )
    seconds = time.process_time() - started
    encoded = Encoded(
        train=tuning.embeddings,
        test=encode_rows(bench.data.test, tuning.encoder),
        outside_train=encode_rows(as_rows(bench.data.outside_train), tuning.encoder),
        outside_test=encode_rows(as_rows(bench.data.outside_test), tuning.encoder),
    )
    return Member(head=tuning.training.head, encoder=tuning.encoder, encoded=encoded), seconds


def tuned_alone(bench: Bench, member: Member) -> Measured:
    """One tuned encoder's own head."""
    head, encoder = member.head, member.encoder
    milliseconds = timed(bench.data, lambda text: head.classify(encoder.encode([text])))
    return measure_head("tuned encoder alone", head, member.encoded, milliseconds)


def words_of(bench: Bench) -> LexicalLayer:
    """The layer over words, trained on the rows that are not held out."""
    rows = [row for row, held in zip(bench.data.train, bench.held_out, strict=True) if not held]
    return fit_words(rows, sorted({row.label for row in bench.data.train}))


def together(
    name: str, bench: Bench, words: LexicalLayer, members: Sequence[Member], *, outside: bool = False
) -> Measured:
    """Heads and words together.

    Args:
        name: What it is called.
        bench: The set.
        words: The layer over words.
        members: Heads and encoders.
        outside: Whether the in-scope score learns from the out-of-scope rows of the training side.
    """
    data, held = bench.data, bench.held_out
    rows = [row for row, kept in zip(data.train, held, strict=True) if kept]
    parts = [member.encoded.train[held] for member in members]
    if outside:
        rows += as_rows(data.outside_train)
        parts = [np.concatenate([part, one.encoded.outside_train]) for part, one in zip(parts, members, strict=True)]
    ensemble = combine([member.head for member in members], words, rows, parts)

    def predict(texts: Sequence[str], embeddings: Sequence[Matrix]) -> tuple[Intent, ...]:
        return ensemble.predict(texts, embeddings)

    return Measured(
        name=name,
        test=predict([row.text for row in data.test], [member.encoded.test for member in members]),
        outside_train=()
        if outside
        else predict([row.text for row in data.outside_train], [one.encoded.outside_train for one in members]),
        outside_test=predict([row.text for row in data.outside_test], [one.encoded.outside_test for one in members]),
        milliseconds=None
        if outside
        else timed(data, lambda text: ensemble.predict([text], [one.encoder.encode([text]) for one in members])),
        note=weights_in_words(ensemble),
    )


def weights_in_words(ensemble: IntentEnsemble) -> str:
    """The weights that the held-out rows chose."""
    weights = ", ".join(f"{weight:g}" for weight in ensemble.weights)
    return f"weights of heads {weights}; of words {ensemble.words_weight:g}"


def measure_head(name: str, head: IntentHead, encoded: Encoded, milliseconds: float) -> Measured:
    """What one head makes of a set."""
    return Measured(
        name=name,
        test=head.classify(encoded.test),
        outside_train=head.classify(encoded.outside_train),
        outside_test=head.classify(encoded.outside_test),
        milliseconds=milliseconds,
    )


def timed(data: IntentSet, classify: Callable[[str], object]) -> float:
    """Median CPU milliseconds of one query: other programs on the machine do not count."""
    taken = []
    for row in data.test[:TIMED]:
        started = time.process_time()
        classify(row.text)
        taken.append(1_000 * (time.process_time() - started))
    return float(np.median(taken))


def train(bench: Bench, rows: Sequence[LabelledText], embeddings: Matrix) -> IntentTraining:
    """The default head on some rows."""
    return train_intent(rows, embeddings, encoder=bench.encoder.name, config=bench.shares, now=datetime.now(UTC))
