"""What ratings teach retrieval: which passages answered which questions, and where a question's passages lie.

The knowledge base's vectors stay as they are. A version with a tuned encoder has vectors of its own beside them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from adapters.encoder.adapter import EncoderDelta
from adapters.retrieval.answers import AnswerMemory
from adapters.retrieval.config import Calibration, Kernel
from adapters.types import Matrix

Vector: TypeAlias = NDArray[np.float32]  # shape (dim,)
Numbers: TypeAlias = NDArray[np.int64]  # shape (n,)

SKETCH: Final = 48  # numbers of each remembered question that are compared first
SLACK: Final = 1e-3  # vectors come from 16 bits: their length is 1 to about that


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPassage:
    """A passage that somebody rated; found again in the knowledge base by these, without a word of it."""

    uri: str  # of its document
    digest: str  # of its text, as knowledge.advice.text_digest makes it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Links:
    """Questions that were asked, and what the passages shown were worth to them; row by row."""

    questions: Numbers  # of the memory's questions
    passages: Numbers  # of the adapter's passages
    worth: Vector  # [-1, 1]: 1 for a good one, -1 for a bad one, times how far the raters are trusted


class LinkMemory:
    """Remembered questions: similar ones are answered by the same passages. Immutable, so thread-safe."""

    def __init__(self, questions: Matrix, links: Links, kernel: Kernel) -> None:
        """Sketch the questions.

        Args:
            questions: Unit vectors, shape (n, dim).
            links: What is known of them.
            kernel: How far they speak for others.
        """
        self.questions = questions
        self.links = links
        self.kernel = kernel
        # Most questions are told from a new one by a few numbers: a bound on the cosine, so that none is missed.
        self._axes = np.linalg.svd(questions, full_matrices=False)[2][:SKETCH].T.copy()  # (dim, SKETCH)
        self._sketches = questions @ self._axes  # (n, SKETCH)
        self._rest = np.sqrt(
            np.maximum(0.0, 1.0 - (self._sketches**2).sum(axis=1)) + SLACK
        )  # (n,): what they leave out
        self._links_of: dict[int, list[tuple[int, float]]] = {}
        for question, passage, worth in zip(
            links.questions.tolist(), links.passages.tolist(), links.worth.tolist(), strict=True
        ):
            self._links_of.setdefault(question, []).append((passage, worth))

    def changes(self, vector: Vector) -> dict[int, float]:
        """What to add to passages' scores by their number, [-strength, strength]."""
        sketch = vector @ self._axes  # (SKETCH,)
        bound = self._sketches @ sketch
        bound += self._rest * np.float32(math.sqrt(max(0.0, 1.0 - float(sketch @ sketch)) + SLACK))
        near = np.flatnonzero(bound > self.kernel.floor)
        if not len(near):
            return {}
        cosines = self.questions[near] @ vector
        found: dict[int, float] = {}
        for place in np.flatnonzero(cosines > self.kernel.floor).tolist():
            weight = (float(cosines[place]) - self.kernel.floor) / (1 - self.kernel.floor)
            for passage, worth in self._links_of.get(int(near[place]), ()):
                found[passage] = found.get(passage, 0.0) + weight * worth
        return {number: self.kernel.strength * min(1.0, max(-1.0, sum_)) for number, sum_ in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QueryAdapter:
    """A residual on a query's vector, of low rank: (1 + down up) q, brought to length 1."""

    down: Matrix  # (dim, rank)
    up: Matrix  # (rank, dim)

    def aim(self, vector: Vector) -> Vector:
        """Turn a unit vector to where its passages lie."""
        turned: Vector = (vector + (vector @ self.down) @ self.up).astype(np.float32, copy=False)
        length = float(np.sqrt(turned @ turned))
        return turned / np.float32(length) if length > 0 else vector


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RetrievalAdapter:
    """What serves; a part that did not pay is None. It is knowledge's Advice, and knows nothing of knowledge."""

    encoder: str  # name of the encoder whose vectors these are
    mentions: Sequence[KnownPassage]
    vectors: Matrix  # of the passages, shape (len(mentions), dim)
    memory: LinkMemory | None
    query: QueryAdapter | None
    calibration: Calibration = field(default_factory=Calibration)
    curated: float | None = None  # cosine from which a curated question is the same question, CURATED_RANGE
    answers: AnswerMemory | None = None  # that were liked; given again to questions as near as `curated` says
    tuned: EncoderDelta | None = None  # makes questions and passages anew; what is above stays of the plain encoder

    def aim(self, vector: Vector) -> Vector:
        """Turn a query's unit vector to where its passages lie."""
        return vector if self.query is None else self.query.aim(vector)

    def changes(self, vector: Vector) -> Mapping[int, float]:
        """What to add to passages' scores by their number, for a query's own vector."""
        return {} if self.memory is None else self.memory.changes(vector)
