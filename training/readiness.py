"""Whether there is enough to train a task on, told before anything is trained; the trainers count the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adapters.examples import Examples
from adapters.types import Task
from training.errors import TooFewError
from training.splits import feedback_side
from training.types import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """How much there is for a task, without what is kept back to test with."""

    task: Task
    have: int
    need: int  # fewer train nothing
    enough: bool  # retrieval may have enough by other examples than those that are counted

    @property
    def missing(self) -> int:
        """How many are missing, 0 for none."""
        return 0 if self.enough else self.need - self.have


def readiness(task: Task, examples: Examples) -> Readiness:
    """Tell whether a run would train a task."""
    counts: dict[Task, Callable[[Examples], tuple[int, int, bool]]] = {
        Task.INTENT: _intents,
        Task.RETRIEVAL: _links,
        Task.GENERATOR: _answers,
    }
    have, need, enough = counts[task](examples)
    return Readiness(task=task, have=have, need=need, enough=enough)


def _intents(examples: Examples) -> tuple[int, int, bool]:
    from training.feedback_intent import MIN_EXAMPLES  # brings torch along

    have = sum(feedback_side(one.question) is not Split.TEST for one in examples.intents)
    return have, MIN_EXAMPLES, have >= MIN_EXAMPLES


def _links(examples: Examples) -> tuple[int, int, bool]:
    from training.retrieval_parts import RetrievalTrainConfig  # as above

    config = RetrievalTrainConfig()
    have = len({one.question for one in examples.links if one.good and feedback_side(one.question) is not Split.TEST})
    verdicts = sum(feedback_side(one.question) is not Split.TEST for one in examples.verdicts)
    return have, config.least_questions, have >= config.least_questions or verdicts >= config.least_verdicts


def _answers(examples: Examples) -> tuple[int, int, bool]:
    from training.feedback_generator import FeedbackConfig, chosen

    config = FeedbackConfig(seed=0)
    try:
        train, _, _ = chosen(examples, config)
    except TooFewError as error:
        return error.have, error.need, False
    return len(train), config.min_examples, True
