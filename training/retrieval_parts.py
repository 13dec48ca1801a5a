"""What of retrieval is learned from rated passages, each part measured on questions that it has not seen.

Heavy: imports torch. Import it where retrieval is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from adapters.retrieval.config import FACTOR_RANGE, SHIFT_RANGE, Calibration, Kernel
from adapters.retrieval.model import QueryAdapter
from adapters.types import Matrix
from knowledge.fusion import LEAST_ROOM
from training.errors import TrainingError

# From what helps only where the same question comes again to what groups questions on one topic.
# Wider ones cost more time and lost in benchmarks/ratings.py whatever they were asked.
KERNELS: Final = (
    Kernel(floor=0.9, strength=0.3),
    Kernel(floor=0.8, strength=0.3),
    Kernel(floor=0.7, strength=0.2),
)
TEMPERATURES: Final = tuple(0.02 * 1.25**step for step in range(12))  # .02 to .23
LEAST_CHANCE: Final = 1e-9  # of a passage that a link points to by mistake
NOT_RIGHT: Final = -1e4  # the logit of a passage that does not answer, where only those that do are summed
SHIFT_SPREAD: Final = 0.5  # of the prior around the defaults, log odds
FACTOR_SPREAD: Final = 0.2

Values = NDArray[np.float64]  # one number a question


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalTrainConfig:
    """How retrieval learns; chosen with benchmarks/ratings.py.

    Raises:
        TrainingError: A value is outside its range.
    """

    epochs: int = 12  # passes over the questions at most, >= 1; how many is decided on questions left out
    learning_rate: float = 3e-4  # Adam's, > 0
    temperature: float = 0.07  # of the softmax over all passages' scores, > 0
    margin: float = 1.0  # logits by which a passage called wrong is made harder to tell, >= 0
    batch_size: int = 64  # questions, >= 1
    rank: int = 64  # of the residual on a query's vector, >= 1; cut to it when it is learned
    folds: int = 5  # in which questions are left out in turn, >= 2
    evidence: float = 1.0  # standard errors by which a part must be better than without it
    memory_evidence: float = (
        2.0  # the same of the memory: one lets one through that loses (docs/experiments-retrieval.md)
    )
    least_questions: int = 20  # with a passage that was called right, for the query's residual, >= folds
    least_verdicts: int = 30  # answers that somebody said something of, for the calibration, >= folds
    most_passages: int = 10_000  # of the index, among which the right ones are to be told
    encoder_epochs: int = 1  # passes at most when the encoder is tuned, >= 1; how many is decided as above
    encoder_rate: float = 1e-3  # AdamW's highest
    encoder_batch: int = 24  # questions, with all their rated passages, >= 2
    encoder_tokens: int = 96  # passages are cut there while the encoder is tuned
    encoder_folds: int = 3  # in which questions are left out in turn, 2 to folds: each costs a training
    encoder_questions: int = 2_000  # that it learns from at most, drawn where there are more: they take minutes
    encoder_once: int = 1_000  # with more questions, one fold is left out, and no other in turn
    least_encoder_questions: int = 150  # the same, for the encoder: with fewer it never paid, and took 20 s to try
    most_encoded: int = 10_000  # chunks in the knowledge base, all of which have to be encoded for a tuned encoder
    memory: bool = True  # whether each part is tried
    query: bool = True
    encoder: bool = True
    calibration: bool = True
    curated: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        ranges = (
            ("epochs", self.epochs >= 1, "1 or more"),
            ("learning_rate", self.learning_rate > 0, "above 0"),
            ("temperature", self.temperature > 0, "above 0"),
            ("rank", self.rank >= 1, "1 or more"),
            ("folds", self.folds >= 2, "2 or more"),  # noqa: PLR2004 - one fold leaves nothing to learn from
            ("encoder_epochs", self.encoder_epochs >= 1, "1 or more"),
            ("encoder_batch", self.encoder_batch >= 2, "2 or more"),  # noqa: PLR2004 - one is told from nothing
            ("encoder_folds", 2 <= self.encoder_folds <= self.folds, "2 to folds"),  # noqa: PLR2004 - as folds
            ("least_questions", self.least_questions >= self.folds, "as many as folds, or more"),
            ("least_verdicts", self.least_verdicts >= self.folds, "as many as folds, or more"),
        )
        for name, fits, expected in ranges:
            if not fits:
                raise TrainingError(f"{name} must be {expected}, not {getattr(self, name)}.")

    def encoder_turns(self, questions: int) -> int:
        """How many trainings decide whether a tuned encoder pays."""
        return 1 if questions > self.encoder_once else self.encoder_folds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """Rated questions and the passages among which theirs are sought; n questions, m passages."""

    vectors: Matrix  # (n, dim)
    words: Matrix  # (n, m): what words and titles add to the score
    good: Matrix  # (n, m), [0, 1]: how far a passage is known to answer
    bad: Matrix  # (n, m), [0, 1]: not to answer
    folds: NDArray[np.int64]  # (n,): in which a question is left out
    passages: Matrix  # (m, dim)
    typical: Matrix  # (dim,)
    nearness: float  # what a centred cosine counts for in the score

    def scores(self, aimed: Tensor, rows: Sequence[int]) -> Tensor:
        """Scores of all passages for some questions, given the vectors to search with (rows, dim)."""
        near = torch.from_numpy(self.passages)
        return self.blended(aimed, near, torch.from_numpy(self.typical), torch.from_numpy(self.words[list(rows)]))

    def blended(self, questions: Tensor, passages: Tensor, typical: Tensor, words: Tensor) -> Tensor:
        """Scores as the knowledge base blends them, (questions, passages), given all vectors and what words add."""
        usual = (questions @ typical)[:, None]  # (questions, 1)
        centred = ((questions @ passages.T - usual) / (1 - usual).clamp(min=LEAST_ROOM)).clamp(-1, 1)
        return self.nearness * centred + words

    def plain(self) -> Matrix:
        """Scores without anything learned, (n, m)."""
        made: Matrix = self.scores(torch.from_numpy(self.vectors), range(len(self.vectors))).numpy()
        return made

    @property
    def weights(self) -> NDArray[np.float32]:
        """How far each question's raters are trusted, (n,); 0 where no passage is known to answer it."""
        trusted: NDArray[np.float32] = self.good.max(axis=1)
        return trusted

    def chance(self, scores: Matrix, temperature: float) -> Values:
        """Chance that a softmax picks one of its right passages, (n,), [0, 1]; 0 where none is known.

        Places say the same with more noise, and log-likelihoods are ruled by the few links that point anywhere: what is
        two standard errors here, of 400 rated questions, is half a standard error or one and a half there.
        """
        logits = scores.astype(np.float64) / temperature
        right = np.where(self.good > 0, logits, NOT_RIGHT)
        found: Values = np.where(self.weights > 0, np.exp(_log_sum(right) - _log_sum(logits)), 0.0)
        return found

    def temperature(self, scores: Matrix | None = None) -> float:
        """The temperature that fits what is known: a mere change of scale gains nothing.

        Args:
            scores: (n, m); None for those before anything is learned.
        """
        fitted = self.plain() if scores is None else scores
        return max(
            TEMPERATURES,
            key=lambda one: float(np.log(np.maximum(self.chance(fitted, one), LEAST_CHANCE)) @ self.weights),
        )


def _log_sum(logits: Values) -> Values:
    highest = logits.max(axis=1)
    summed: Values = highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))
    return summed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """What the questions left out say of a part."""

    gain: float  # mean of what they do better, weighted
    error: float  # its standard error

    def pays(self, evidence: float) -> bool:
        """Whether it is kept."""
        return self.gain > evidence * self.error


def compared(before: Values, after: Values, weights: NDArray[np.float32]) -> Part:
    """Compare two ways on the same questions."""
    gains, shares = after - before, weights / weights.sum()
    mean = float(gains @ shares)
    return Part(gain=mean, error=float(np.sqrt(((gains - mean) ** 2) @ shares**2)))


def fit_query(
    asked: Asked, rows: Sequence[int], config: RetrievalTrainConfig, on_epoch: Callable[[float, Matrix], None]
) -> Matrix:
    """Turn questions to the passages that answer them: a softmax over all passages, from the identity on.

    Args:
        asked: What is learned from.
        rows: Questions to learn from, each with a right passage.
        config: How; its epochs are all done.
        on_epoch: Told the mean loss (nats) and the residual after each.

    Returns:
        The residual, shape (dim, dim): a query q is searched as q + q residual, brought to length 1.
    """
    chance = torch.Generator().manual_seed(config.seed)
    width = asked.vectors.shape[1]
    residual = torch.zeros(width, width, requires_grad=True)
    optimizer = torch.optim.Adam([residual], lr=config.learning_rate)
    weights = torch.from_numpy(asked.weights)
    for _ in range(config.epochs):
        total = 0.0
        for batch in torch.randperm(len(rows), generator=chance).split(config.batch_size):  # type: ignore[no-untyped-call]  # torch's
            picked = [rows[place] for place in batch.tolist()]
            wrong = config.margin * torch.from_numpy(asked.bad[picked])
            logits = asked.scores(_aimed(asked, residual, picked), picked) / config.temperature + wrong  # (batch, m)
            right = logits.masked_fill(torch.from_numpy(asked.good[picked]) == 0, NOT_RIGHT)
            losses = (logits.logsumexp(dim=1) - right.logsumexp(dim=1)) * weights[picked]
            optimizer.zero_grad()
            losses.mean().backward()  # type: ignore[no-untyped-call]  # torch's is not typed
            optimizer.step()
            total += float(losses.detach().sum())
        on_epoch(total / len(rows), residual.detach().numpy().copy())
    return residual.detach().numpy()


def aimed_scores(asked: Asked, residual: Matrix, rows: Sequence[int]) -> Matrix:
    """Scores of all passages for some questions with a residual, (rows, m)."""
    made: Matrix = asked.scores(_aimed(asked, torch.from_numpy(residual), rows), rows).numpy()
    return made


def _aimed(asked: Asked, residual: Tensor, rows: Sequence[int]) -> Tensor:
    vectors = torch.from_numpy(asked.vectors[list(rows)])  # (rows, dim)
    return functional.normalize(vectors + vectors @ residual, dim=-1)


def of_rank(residual: Matrix, rank: int) -> QueryAdapter:
    """The nearest adapter of a rank: cheaper to apply, and no worse."""
    left, sizes, right = np.linalg.svd(residual)
    return QueryAdapter(down=left[:, :rank] * sizes[:rank], up=right[:rank])


def remembered(asked: Asked, scores: Matrix, kernel: Kernel) -> Matrix:
    """Scores with what the questions of other folds remember, as LinkMemory would change them, (n, m)."""
    cosines = asked.vectors @ asked.vectors.T  # (n, n)
    cosines[asked.folds[:, None] == asked.folds[None, :]] = -1
    weights = np.maximum(0.0, (cosines - kernel.floor) / (1 - kernel.floor)).astype(np.float32)
    changes = np.clip(weights @ (asked.good - asked.bad), -1, 1)
    made: Matrix = (scores + kernel.strength * changes).astype(np.float32)
    return made


def choose_kernel(asked: Asked, scores: Matrix, config: RetrievalTrainConfig) -> tuple[Kernel | None, Part]:
    """The kernel that helps questions of other folds most; None where none pays.

    Args:
        asked: What is remembered.
        scores: Without a memory, each question's own fold left out, (n, m).
        config: How sure it must be.
    """
    temperature = asked.temperature()
    before = asked.chance(scores, temperature)
    parts = {
        kernel: compared(before, asked.chance(remembered(asked, scores, kernel), temperature), asked.weights)
        for kernel in KERNELS
    }
    best = max(parts, key=lambda kernel: parts[kernel].gain)
    return (best if parts[best].pays(config.memory_evidence) else None), parts[best]


def fit_calibration(terms: Values, answerable: Values, weights: Values) -> Calibration:
    """Shift and weigh the log odds until they fit what people said, never far from the defaults.

    Args:
        terms: What retrieval, head and likelihood give by default, log odds, shape (n, 3); 0 where not asked.
        answerable: 1 where the documents did answer, else 0, shape (n,).
        weights: How far the raters are trusted, shape (n,).
    """
    from scipy.optimize import minimize

    defaults = np.array([0.0, 1.0, 1.0, 1.0])
    spreads = np.array([SHIFT_SPREAD, *[FACTOR_SPREAD] * 3])

    def loss(values: Values) -> float:
        prior = 0.5 * float((((values - defaults) / spreads) ** 2).sum())
        return float(log_loss(terms, answerable, values) @ weights) + prior

    bounds = [SHIFT_RANGE, *[FACTOR_RANGE] * 3]
    found = minimize(loss, defaults, method="L-BFGS-B", bounds=bounds).x.tolist()
    return Calibration(shift=found[0], retrieval=found[1], head=found[2], likelihood=found[3])


def log_loss(terms: Values, answerable: Values, values: Values) -> Values:
    """Negative log-likelihood of each verdict under shift and factors (4,), nats."""
    logits = values[0] + terms @ values[1:]
    loss: Values = np.logaddexp(0.0, np.where(answerable > 0, -logits, logits))
    return loss
