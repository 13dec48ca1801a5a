"""The composition root of retrieval's training, and of judging it by what it learns from, left out in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from adapters.device import computing_with
from adapters.errors import AdapterError
from adapters.examples import RatingId
from adapters.types import AdapterVersion, Task
from bot.confidence import terms
from bot.learning.comparing import Questions
from bot.learning.held_out import HeldOut, most_trusted
from bot.learning.in_turn import PARTS, new_to, part_of
from bot.learning.live import Versions
from bot.learning.replay import Replayed, pairs
from bot.learning.scoring import same_answer
from bot.learning.types import Job
from bot.looking import LineVectors
from bot.store.store import Store
from bot.wiring import Wiring
from bot.wiring_eval import Comparer
from training.errors import TooFewError
from training.paired import Pair
from training.splits import kept_back
from training.types import Candidate, OnTrainStep

PARTS_OF_RETRIEVAL: Final[Mapping[str, str]] = MappingProxyType(  # and the figure that says that one was kept
    {
        "query": "query epochs",
        "encoder": "encoder epochs",
        "memory": "memory floor",
        "calibration": "calibration shift",
        "curated": "curated from",
    }
)
MOST: Final = 200  # questions that are left out in turn: more tell little that these do not


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalTraining:
    """Trains retrieval on a job's examples."""

    wiring: Wiring
    store: Store
    job: Job

    def train(
        self,
        folder: Path,
        *,
        seed: int,
        on_step: OnTrainStep = lambda _step: None,
        left_out: Callable[[str], bool] = kept_back,
        parts: Collection[str] = frozenset(PARTS_OF_RETRIEVAL),
    ) -> Candidate:
        """Train a candidate.

        Args:
            folder: A new one.
            seed: Of all draws.
            on_step: Told after each step.
            left_out: The questions that nothing is learned from.
            parts: Those that are tried, of PARTS_OF_RETRIEVAL.

        Raises:
            TooFewError: There is too little to learn from.
        """
        from training.feedback_retrieval import train_on_feedback
        from training.retrieval_parts import RetrievalTrainConfig

        return train_on_feedback(
            self.job.examples,
            folder,
            RetrievalTrainConfig(
                seed=seed,
                most_encoded=self.wiring.settings.learning.max_encoded_chunks,
                **{part: part in parts for part in PARTS_OF_RETRIEVAL},
            ),
            knowledge=self.wiring.open_knowledge(self.store),
            encoder=self.wiring.encoder,
            terms=terms,
            alike=same_answer,
            source=f"run-{self.job.run}",
            now=datetime.now(UTC),
            encoder_folder=self.wiring.encoder_folder,
            left_out=left_out,
            on_step=on_step,
        )

    def in_turn(
        self,
        candidate: Candidate,
        items: Sequence[HeldOut],
        versions: Versions,
        *,
        as_version: Callable[[Candidate], AdapterVersion],
        lines: LineVectors,
        progress: Callable[[int, int], None],
    ) -> tuple[Pair, ...]:
        """What a candidate learns from, each part asked of one of its kind that was trained without it.

        Nothing where the candidate has an encoder of its own, since each part would have all documents to encode, nor
        where all that it has cannot be judged so. Lines are quoted: the generator is the same on both sides, and would
        take a minute more.

        Args:
            candidate: Whose kind is judged.
            items: Questions of the learning side; those that what serves has learned from are passed over.
            versions: What serves.
            as_version: Makes a version of a candidate.
            lines: Those encoded already.
            progress: Told after each question: done, of how many.
        """
        parts = self._judged(candidate)
        if not parts or "encoder" in parts:
            return ()
        new = most_trusted(new_to(self._learned(versions[Task.RETRIEVAL]), items, self.job.examples), MOST)
        if not new:
            return ()
        comparer = Comparer(self.wiring, self.store, Path(self.job.folder), quoting=True, lines=lines)
        told = 0

        def asking(_done: int, _of: int) -> None:
            nonlocal told
            told += 1
            progress(told, 2 * len(new))

        def ask(chosen: Versions, asked: Sequence[HeldOut]) -> tuple[Replayed, ...]:
            questions = Questions(test=tuple(asked))
            return asyncio.run(comparer.see(chosen, questions, asking, margins=False)).test

        before = dict(zip(new, ask(versions, new), strict=True))
        found: list[Pair] = []
        for part in range(PARTS):
            asked = [item for item in new if part_of(item.question) == part]
            if asked and (made := self._without(part, parts)) is not None:
                after = ask({**versions, Task.RETRIEVAL: as_version(made)}, asked)
                found += pairs([before[item] for item in asked], after)
        return tuple(found)

    def _judged(self, candidate: Candidate) -> AbstractSet[str]:
        """What others of a candidate's kind may have: what it has, and no more.

        Where a generator's reading has a say in what is refused, they are not calibrated: lines are quoted, and that
        reading is missing.
        """
        reads = any("head" in one.scores for one in self.job.examples.verdicts)
        return kept_parts(candidate.metrics) - ({"calibration"} if reads else set())

    def _without(self, part: int, parts: AbstractSet[str]) -> Candidate | None:
        """A candidate that has not seen a part of the questions; None where the others are too few."""

        def left_out(question: str) -> bool:
            return not kept_back(question) and part_of(question) == part

        folder = Path(self.job.folder) / f"retrieval-without-{part}"
        try:
            with computing_with(self.wiring.settings.learning.threads):
                return self.train(folder, seed=self.job.seed, left_out=left_out, parts=parts)
        except TooFewError:
            return None

    def _learned(self, serving: AdapterVersion | None) -> tuple[RatingId, ...]:
        """What the version that serves was trained on."""
        if serving is None:
            return ()
        try:
            lineage = self.wiring.registry.lineage(Task.RETRIEVAL, serving.name)
        except AdapterError:  # cannot be read; it may know everything
            return self.job.examples.ratings
        return lineage.ratings if lineage is not None else ()


def kept_parts(metrics: Mapping[str, float]) -> AbstractSet[str]:
    """The parts that a training of retrieval kept, by its metrics."""
    return {part for part, figure in PARTS_OF_RETRIEVAL.items() if figure in metrics}
