"""The encoder learns from rated passages on both sides: questions and passages alike are made anew.

Each step takes questions that lie near each other with every passage that somebody rated for them, and tells each
question's good passages from all others by the blended score: what the words tell already need not be learned. As in
training.train_encoder the lower layers stay as they are, and all that is compared is encoded afresh.

Heavy: imports torch. Import it where retrieval is trained.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adapters.encoder.adapter import EncoderDelta
from adapters.types import Matrix
from knowledge.retrieve import KnowledgeBase
from training.links import LinkTrainConfig
from training.retrieval_parts import NOT_RIGHT, Asked, Part, RetrievalTrainConfig, Values, compared
from training.train_encoder import Tuner, rate
from training.types import OnTrainStep, TrainStep

RIVALS: Final = 10  # passages that come first without it, among which a question left out is to find its own
NO_RIVAL: Final = -10.0  # the score of a passage that is not among them
WARM_UP: Final = 0.1  # share of the steps in which the rate climbs

Texts = Callable[[Sequence[int]], Sequence[str]]
"""Columns of `Asked` to what the encoder reads of their passages."""
Told = Callable[[float], None]
"""Told the mean loss (nats) after each pass over the questions."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tried:
    """What tuning brought the questions that were left out."""

    part: Part
    epochs: int  # that served them best
    scores: Matrix  # (n, m): theirs with an encoder that has not seen them; the others' as they were


class EncoderLearner:
    """Tunes one encoder on different questions; what its lower layers make of all texts is computed once."""

    def __init__(
        self, asked: Asked, questions: Sequence[str], texts: Texts, folder: Path, config: RetrievalTrainConfig
    ) -> None:
        """Run the lower layers.

        Args:
            asked: What is learned from.
            questions: Its questions.
            texts: Its passages.
            folder: The plain encoder, as adapters.bases.resolve gave it.
            config: How.
        """
        self._asked = asked
        self._folder = folder
        self._config = config
        self._plain = asked.plain()
        answered = np.flatnonzero(asked.weights > 0)
        if len(answered) > config.encoder_questions:
            drawn = np.random.default_rng(config.seed).choice(answered, config.encoder_questions, replace=False)
            answered = np.sort(drawn)
        self.rows: list[int] = answered.tolist()
        columns = sorted({column for row in self.rows for column in self._rated(row)} | set(self._rivals(self.rows)))
        tuner = self._tuner()
        cut = self._links.max_tokens
        asking = tuner.lower(tuner.body.tokens([questions[row] for row in self.rows]))
        shown = tuner.lower([ids[:cut] for ids in tuner.body.tokens(texts(columns))])
        self._asking: dict[int, Tensor] = dict(zip(self.rows, asking, strict=True))
        self._shown: dict[int, Tensor] = dict(zip(columns, shown, strict=True))

    def tried(self, scores: Matrix, told: Told) -> Tried:
        """Learn with some of the questions left out in turn, and see what those gain over given scores, (n, m)."""
        config = self._config
        before = np.full_like(scores, NO_RIVAL)
        after = [before.copy() for _ in range(config.encoder_epochs)]
        folds = self._asked.folds * config.encoder_folds // config.folds
        asked: list[int] = []
        for fold in range(config.encoder_folds)[-config.encoder_turns(len(self.rows)) :]:
            left = [row for row in self.rows if folds[row] == fold]
            columns = self._rivals(left)
            places = np.ix_(left, columns)
            before[places] = scores[places]
            for made, one in zip(after, self._without(left, columns, told), strict=True):
                made[places] = one
            asked += left
        chances = [self._chance(asked, one) for one in (before, *after)]
        parts = [compared(chances[0], one, self._asked.weights[asked]) for one in chances[1:]]
        best = max(range(len(parts)), key=lambda epoch: parts[epoch].gain)
        seen = after[best] > NO_RIVAL
        return Tried(part=parts[best], epochs=best + 1, scores=np.where(seen, after[best], scores))

    def learned(self, epochs: int, told: Told) -> EncoderDelta:
        """Learn from all questions, for as many epochs as served those left out best."""
        return self._fit(self.rows, epochs, lambda loss, _tuner: told(loss)).delta()

    def _without(self, left: Sequence[int], columns: Sequence[int], told: Told) -> list[Matrix]:
        """What each pass over the other questions makes of those left out: (left, columns)."""
        made: list[Matrix] = []

        def seen(loss: float, tuner: Tuner) -> None:
            made.append(self._scores(tuner, left, columns))
            told(loss)

        out = set(left)
        self._fit([row for row in self.rows if row not in out], self._config.encoder_epochs, seen)
        return made

    def _chance(self, rows: Sequence[int], scores: Matrix) -> Values:
        """Chance that each question's right passage is picked by given scores, (n, m)."""
        part = replace(self._asked, good=self._asked.good[list(rows)])
        # A tuned encoder's scores lie farther apart, whether they are right or not: each has its own temperature.
        return part.chance(scores[list(rows)], part.temperature(scores[list(rows)]))

    # -- one training

    def _fit(self, rows: Sequence[int], epochs: int, on_epoch: Callable[[float, Tuner], None]) -> Tuner:
        """Tune a fresh encoder; the rate falls as if all epochs were done, however many are."""
        config, asked = self._config, self._asked
        torch.manual_seed(config.seed)
        rng = random.Random(config.seed)  # noqa: S311 - an order, nothing secret
        tuner = self._tuner()
        draws = [list(self._steps(rows, rng)) for _ in range(config.encoder_epochs)]
        total = sum(map(len, draws))
        optimizer = tuner.optimizer()
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, total, WARM_UP))
        weights, typical = torch.from_numpy(asked.weights), torch.from_numpy(asked.typical)
        for steps in draws[:epochs]:
            summed = 0.0
            for step in steps:
                tuner.train()
                columns = list(dict.fromkeys(column for row in step for column in self._rated(row)))
                questions = tuner.vectors([self._asking[row] for row in step])  # (rows, dim)
                passages = tuner.vectors([self._shown[column] for column in columns])  # (columns, dim)
                words, good, bad = (
                    torch.from_numpy(one[np.ix_(step, columns)]) for one in (asked.words, asked.good, asked.bad)
                )
                scores = asked.blended(questions, passages, typical, words)
                logits = scores / config.temperature + config.margin * bad  # (rows, columns)
                right = logits.masked_fill(good == 0, NOT_RIGHT)
                losses = (logits.logsumexp(dim=1) - right.logsumexp(dim=1)) * weights[step]
                losses.mean().backward()  # type: ignore[no-untyped-call]  # torch's is not typed
                tuner.clip()
                optimizer.step()
                optimizer.zero_grad()
                schedule.step()
                summed += float(losses.detach().sum())
            on_epoch(summed / len(rows), tuner)
        return tuner

    def _tuner(self) -> Tuner:
        return Tuner(self._folder, self._links)

    @property
    def _links(self) -> LinkTrainConfig:
        config = self._config
        return LinkTrainConfig(learning_rate=config.encoder_rate, max_tokens=config.encoder_tokens, seed=config.seed)

    def _steps(self, rows: Sequence[int], rng: random.Random) -> Iterator[list[int]]:
        """Questions, each once; half of a step's are neighbours of one, the others are drawn."""
        vectors, size = self._asked.vectors, self._config.encoder_batch
        left = rng.sample(list(rows), len(rows))
        found: list[list[int]] = []
        while left:
            near = np.argsort(-(vectors[left] @ vectors[left[0]]), kind="stable")[: size // 2]
            picked = [left[place] for place in near]
            others = [row for row in left if row not in set(picked)]
            found.append(picked + others[: size - len(picked)])
            left = others[size - len(picked) :]
        rng.shuffle(found)
        yield from found

    def _rated(self, row: int) -> list[int]:
        """The passages that somebody rated for a question."""
        found: list[int] = np.flatnonzero((self._asked.good[row] > 0) | (self._asked.bad[row] > 0)).tolist()
        return found

    def _rivals(self, rows: Sequence[int]) -> list[int]:
        """The passages among which these questions seek theirs."""
        first = np.argsort(-self._plain[list(rows)], axis=1, kind="stable")[:, :RIVALS]
        return sorted({*first.ravel().tolist(), *(column for row in rows for column in self._rated(row))})

    def _scores(self, tuner: Tuner, rows: Sequence[int], columns: Sequence[int]) -> Matrix:
        """Blended scores by a tuned encoder, (rows, columns)."""
        asked = self._asked
        questions = tuner.encode([self._asking[row] for row in rows])
        passages = tuner.encode([self._shown[column] for column in columns])
        # What a typical passage has become is told by how these have moved: encoding others for it would cost as much.
        moved = passages.mean(dim=0) - torch.from_numpy(asked.passages[list(columns)]).mean(dim=0)
        words = torch.from_numpy(asked.words[np.ix_(rows, columns)])
        made: Matrix = asked.blended(questions, passages, torch.from_numpy(asked.typical) + moved, words).numpy()
        return made


class Counted:
    """Counts passes over the questions, for those who are told how far a training is."""

    def __init__(self, steps: int, told: OnTrainStep) -> None:
        """Count up to a number of passes."""
        self._steps, self._done, self._told = steps, 0, told

    def __call__(self, loss: float) -> None:
        """Tell of one more."""
        self._done += 1
        self._told(TrainStep(step=self._done, steps=self._steps, loss=loss))


def texts_of(knowledge: KnowledgeBase, ids: NDArray[np.int64]) -> Texts:
    """What the encoder reads of the passages in some columns; nothing of one that has gone meanwhile."""

    def read(columns: Sequence[int]) -> Sequence[str]:
        found = {stored.id: stored.chunk.embedding_text for stored in knowledge.chunks(ids[list(columns)])}
        return [found.get(number, "") for number in ids[list(columns)].tolist()]

    return read
