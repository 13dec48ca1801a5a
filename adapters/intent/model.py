"""The intent head: embeddings to intents, in numpy alone.

logits = (W x + b + a * exp(-s * (1 - c))) / T, where c holds the cosine between x and the nearest example of each
label. The second term is the training-free cache of Tip-Adapter (arXiv 2111.03930, eq. 5) with the nearest example in
place of the sum: a text far from every example gets no certainty from it, which a linear layer alone gives readily.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from adapters.errors import AdapterError
from adapters.intent.config import OUT_OF_SCOPE, IntentDefinition
from adapters.types import Encoder, Intent, Matrix

PROTOTYPE_TEMPERATURE: Final = 0.05  # cosines of MiniLM differ by about this much between near labels
SCOPE_PARTS: Final = 5  # pieces of evidence in `scope_evidence`
BATCH: Final = 1024  # rows at a time: bounds memory at 1024 x examples floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScopeModel:
    """Evidence to an in-scope score in [0, 1].

    The evidence of a row is (probability of its likeliest label in scope, cosine to the nearest example in scope,
    cosine to the nearest out-of-scope example or 0 where there is none, logit of the linear layer for its likeliest
    label in scope, cosine to that label's centre). The last two tell what lies between labels: a near-by topic that
    no label covers has near examples, but it is far from every centre.
    """

    coefficients: NDArray[np.float64]  # shape (k,): of the first k parts of the evidence, 5 a head
    intercept: float
    quantiles: NDArray[np.float64] | None  # shape (q,), ascending: raw scores of in-scope rows; None: logistic

    def score(self, evidence: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map evidence, shape (n, 5) or more, to scores, shape (n,).

        With quantiles the score is the share of in-scope rows that had no higher raw score; without, it is the
        logistic function of it.
        """
        raw = evidence[:, : len(self.coefficients)] @ self.coefficients + self.intercept
        if self.quantiles is None:
            return np.asarray(1.0 / (1.0 + np.exp(-raw)))
        return np.searchsorted(self.quantiles, raw, side="right") / len(self.quantiles)


# Without held-out rows nothing can be fitted: half way between an unrelated and a near text of MiniLM (an assumption).
UNFITTED_SCOPE: Final = ScopeModel(coefficients=np.array([2.0, 8.0, -8.0]), intercept=-4.0, quantiles=None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What the head knows about n rows before it decides."""

    probabilities: NDArray[np.float64]  # shape (n, labels), rows sum to 1
    similarities: NDArray[np.float64]  # shape (n, labels), cosine to each label's nearest example
    logits: NDArray[np.float64]  # shape (n, labels), of the linear layer alone
    centres: NDArray[np.float64]  # shape (n, labels), cosine to each label's mean example


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntentHead:
    """A linear layer with examples beside it; an `IntentClassifier`.

    Raises:
        AdapterError: The arrays do not fit each other.
    """

    name: str  # version, such as "intent-zero-shot" or "intent-20261124-1a2b3c"
    encoder: str  # name of the encoder whose embeddings it reads
    labels: tuple[str, ...]
    weight: Matrix  # shape (labels, dim)
    bias: NDArray[np.float32]  # shape (labels,)
    temperature: float  # > 0
    examples: Matrix  # shape (m, dim), unit vectors, sorted by label; at least one of each label
    starts: NDArray[np.int64]  # shape (labels,): where each label's examples begin
    neighbour_weight: float  # a, >= 0
    neighbour_sharpness: float  # s, > 0
    scope: ScopeModel
    centres: Matrix = field(init=False, repr=False)  # shape (labels, dim): each label's mean example, a unit vector

    def __post_init__(self) -> None:
        count, dimension = len(self.labels), self.dimension
        bounds = np.append(self.starts, len(self.examples))
        fits = (
            count > 0
            and self.weight.shape == (count, dimension)
            and self.bias.shape == (count,)
            and self.examples.ndim == self.weight.ndim
            and self.examples.shape[1] == dimension
            and self.starts.shape == (count,)
            and bounds[0] == 0
            and bool(np.all(np.diff(bounds) > 0))
            and self.temperature > 0
        )
        if not fits:
            raise AdapterError(f'The intent head "{self.name}" does not fit together; train it again.')
        object.__setattr__(self, "centres", centres_of(self.examples, self.starts))

    @property
    def dimension(self) -> int:
        """Width of the embeddings that it reads."""
        return int(self.weight.shape[-1])

    @classmethod
    def from_prototypes(cls, definitions: Sequence[IntentDefinition], encoder: Encoder) -> Self:
        """Make a head without any training: each intent is the mean of its description and of its examples.

        Args:
            definitions: Intents with a description, examples or both.
            encoder: Makes the embeddings, here and later.

        Returns:
            A head whose confidences are not calibrated.

        Raises:
            AdapterError: There are no definitions.
        """
        if not definitions:
            raise AdapterError("An intent head needs at least one intent; give definitions with descriptions.")
        prototypes = np.stack([_prototype(definition, encoder) for definition in definitions])
        return cls(
            name="intent-zero-shot",
            encoder=encoder.name,
            labels=tuple(definition.name for definition in definitions),
            weight=prototypes,
            bias=np.zeros(len(definitions), dtype=np.float32),
            temperature=PROTOTYPE_TEMPERATURE,
            examples=prototypes,
            starts=np.arange(len(definitions), dtype=np.int64),
            neighbour_weight=0.0,
            neighbour_sharpness=1.0,
            scope=UNFITTED_SCOPE,
        )

    def evidence(self, embeddings: Matrix) -> Evidence:
        """Probabilities and similarities of embeddings, shape (n, dim); see `Evidence`."""
        parts = list(self._batches(embeddings))
        if not parts:
            empty = np.zeros((0, len(self.labels)))
            return Evidence(probabilities=empty, similarities=empty, logits=empty, centres=empty)
        return Evidence(
            probabilities=np.concatenate([part.probabilities for part in parts]),
            similarities=np.concatenate([part.similarities for part in parts]),
            logits=np.concatenate([part.logits for part in parts]),
            centres=np.concatenate([part.centres for part in parts]),
        )

    def predict(self, texts: Sequence[str], embeddings: Matrix) -> tuple[Intent, ...]:  # noqa: ARG002 - others read them
        """Classify texts by their embeddings alone; see `classify`."""
        return self.classify(embeddings)

    def classify(self, embeddings: Matrix) -> tuple[Intent, ...]:
        """Classify embeddings; thread-safe.

        Args:
            embeddings: Unit vectors of the head's encoder, shape (n, dim), float32.

        Returns:
            One intent a row; its confidence is the calibrated probability of its label.

        Raises:
            AdapterError: The embeddings are of another width.
        """
        evidence = self.evidence(embeddings)
        best = evidence.probabilities.argmax(axis=1)
        in_scope = self.scope.score(scope_evidence(evidence, self.labels))
        return tuple(
            Intent(
                label=self.labels[column],
                confidence=float(evidence.probabilities[row, column]),
                in_scope=float(in_scope[row]),
            )
            for row, column in enumerate(best)
        )

    def _batches(self, embeddings: Matrix) -> Iterator[Evidence]:
        if embeddings.ndim != self.weight.ndim or embeddings.shape[1] != self.dimension:
            raise AdapterError(
                f"The intent head reads embeddings of shape (n, {self.dimension}), not {embeddings.shape}; "
                "was it made for another encoder?"
            )
        for start in range(0, len(embeddings), BATCH):
            batch = embeddings[start : start + BATCH]  # (b, dim)
            similarities = nearest_of_each(batch @ self.examples.T, self.starts)  # (b, labels)
            logits = batch @ self.weight.T + self.bias  # (b, labels)
            probabilities = mix(
                logits,
                similarities,
                weight=self.neighbour_weight,
                sharpness=self.neighbour_sharpness,
                temperature=self.temperature,
            )
            yield Evidence(
                probabilities=probabilities,
                similarities=similarities,
                logits=np.asarray(logits, dtype=np.float64),
                centres=np.asarray(batch @ self.centres.T, dtype=np.float64),
            )


def nearest_of_each(cosines: NDArray[np.floating], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The highest cosine of each label.

    Args:
        cosines: Shape (n, m), columns sorted by label.
        starts: Where each label's columns begin, shape (labels,); no label is empty.

    Returns:
        Shape (n, labels).
    """
    return np.maximum.reduceat(cosines, starts, axis=1).astype(np.float64)


def mix(
    logits: NDArray[np.floating],
    similarities: NDArray[np.float64],
    *,
    weight: float,
    sharpness: float,
    temperature: float,
) -> NDArray[np.float64]:
    """Logits of the linear layer and similarities to the nearest examples to probabilities, all (n, labels)."""
    mixed = (logits + weight * np.exp(-sharpness * (1.0 - similarities))) / temperature
    mixed = np.exp(mixed - mixed.max(axis=1, keepdims=True))
    return np.asarray(mixed / mixed.sum(axis=1, keepdims=True), dtype=np.float64)


def centres_of(examples: Matrix, starts: NDArray[np.int64]) -> Matrix:
    """The unit vector in the middle of each label's examples, shape (labels, dim); see `IntentHead` for the shapes."""
    sums = np.add.reduceat(examples, starts, axis=0)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.maximum(lengths, 1e-12), dtype=np.float32)


def scope_evidence(evidence: Evidence, labels: Sequence[str]) -> NDArray[np.float64]:
    """What the in-scope score is made of, shape (n, 5); see `ScopeModel`."""
    inside = np.array([label != OUT_OF_SCOPE for label in labels])
    rows = np.arange(len(evidence.probabilities))
    if not inside.any():
        return np.zeros((len(rows), SCOPE_PARTS))
    probabilities, centres = evidence.probabilities[:, inside], evidence.centres[:, inside]
    best = probabilities.argmax(axis=1)
    return np.stack(
        [
            probabilities[rows, best],
            evidence.similarities[:, inside].max(axis=1),
            evidence.similarities[:, ~inside].max(axis=1) if not inside.all() else np.zeros(len(rows)),
            evidence.logits[:, inside][rows, best],
            centres[rows, best],
        ],
        axis=1,
    )


def _prototype(definition: IntentDefinition, encoder: Encoder) -> NDArray[np.float32]:
    """The unit vector half way between an intent's description and its mean example; shape (dim,)."""
    texts = ([definition.description] if definition.description else [], list(definition.examples))
    means = [encoder.encode(part).mean(axis=0) for part in texts if part]
    total = np.sum([mean / max(float(np.linalg.norm(mean)), 1e-12) for mean in means], axis=0)
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-12), dtype=np.float32)
