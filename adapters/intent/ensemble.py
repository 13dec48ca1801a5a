"""Several ways to tell an intent, decided together: heads on one or more encoders, and the words themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adapters.errors import AdapterError
from adapters.intent.lexical import LexicalLayer
from adapters.intent.model import SCOPE_PARTS, IntentHead, ScopeModel, scope_evidence
from adapters.types import Intent, Matrix


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntentEnsemble:
    """Log-linear pool: logits = (sum_i w_i log p_i(x) + v * words(x)) / T.

    Raises:
        AdapterError: The heads or the words know different labels, there is not one weight a head, or the in-scope
            score is of more heads.
    """

    heads: tuple[IntentHead, ...]  # each reads its own encoder's embeddings
    weights: tuple[float, ...]  # one a head, >= 0
    words: LexicalLayer | None
    words_weight: float  # >= 0
    temperature: float  # > 0
    scope: ScopeModel  # of the heads' evidence side by side, shape (5 * heads,)

    def __post_init__(self) -> None:
        if not self.heads or len(self.heads) != len(self.weights) or len({head.labels for head in self.heads}) != 1:
            raise AdapterError("The heads of an ensemble must know the same labels and have one weight each.")
        words_fit = self.words is None or len(self.words.bias) == len(self.labels)
        if not words_fit or len(self.scope.coefficients) > SCOPE_PARTS * len(self.heads) or not self.temperature > 0:
            raise AdapterError("Words, in-scope score and heads of the ensemble do not fit together; train it again.")

    @property
    def labels(self) -> tuple[str, ...]:
        """What it tells apart."""
        return self.heads[0].labels

    def predict(self, texts: Sequence[str], embeddings: Sequence[Matrix]) -> tuple[Intent, ...]:
        """Classify texts; thread-safe.

        Args:
            texts: What people wrote.
            embeddings: Of the texts, by each head's encoder, each of shape (len(texts), dim of the encoder).

        Returns:
            One intent a text; its confidence is the calibrated probability of its label.

        Raises:
            AdapterError: There are not as many sets of embeddings as heads.
        """
        probabilities, evidence = self.evidence(texts, embeddings)
        in_scope = self.scope.score(evidence)
        return tuple(
            Intent(label=self.labels[column], confidence=float(probabilities[row, column]), in_scope=float(score))
            for row, (column, score) in enumerate(zip(probabilities.argmax(axis=1), in_scope, strict=True))
        )

    def evidence(
        self, texts: Sequence[str], embeddings: Sequence[Matrix]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probabilities, shape (n, labels), and what the in-scope score is made of, shape (n, 5 * heads)."""
        if len(embeddings) != len(self.heads):
            raise AdapterError(
                f"The ensemble has {len(self.heads)} heads, but embeddings of {len(embeddings)} encoders."
            )
        found = [head.evidence(part) for head, part in zip(self.heads, embeddings, strict=True)]
        pooled = pool(
            [np.log(np.maximum(one.probabilities, 1e-12)) for one in found],
            self.weights,
            None if self.words is None else self.words.logits(texts),
            self.words_weight,
        )
        parts = [scope_evidence(one, self.labels) for one in found]
        return softmax(pooled / self.temperature), np.concatenate(parts, axis=1)


def pool(
    log_probabilities: Sequence[NDArray[np.float64]],
    weights: Sequence[float],
    words: NDArray[np.float64] | None,
    words_weight: float,
) -> NDArray[np.float64]:
    """The weighted sum, shape (n, labels)."""
    total = np.sum([weight * part for weight, part in zip(weights, log_probabilities, strict=True)], axis=0)
    return np.asarray(total if words is None else total + words_weight * words)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows to probabilities."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
