"""Grounded questions, and how they are packed: one passage block, and behind it all questions that are asked of it.

Each question attends to the passages and to itself only and counts its positions from the passages' end, so the model
computes just what it would for each question alone, at a third of the tokens (about nine questions share a passage).
Questions that have passages of their own share the system turn alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from adapters.generator.prompt import DEFAULT_SYSTEM, Evidence, Style, evidence_text, question_text
from adapters.types import ChatTurn
from training.errors import TrainingError

if TYPE_CHECKING:
    from torch import Tensor

IGNORED: Final = -100  # label of a token that is not learned, as torch's cross_entropy has it


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundedQuestion:
    """A question to some passages, and what should be answered."""

    text: str
    style: Style = Style.SENTENCES
    answer: str | None = None  # None: the passages do not tell; only the answerability head learns from it
    passages: tuple[Evidence, ...] = ()  # its own; none: the group's


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundedGroup:
    """Passages and the questions asked of them; without passages each question has its own."""

    passages: tuple[Evidence, ...]
    questions: tuple[GroundedQuestion, ...]
    system: str = DEFAULT_SYSTEM


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Packed:
    """A group as tensors; T tokens, Q questions."""

    ids: Tensor  # (T,)
    positions: Tensor  # (T,)
    segments: Tensor  # (T,): 0 for the passages, else the question's number from 1
    labels: Tensor  # (T,): the token that should come next, or IGNORED
    asked: Tensor  # (Q,): index of each question's last prompt token
    answerable: Tensor  # (Q,): 1.0 or 0.0

    def mask(self) -> Tensor:
        """Who attends to whom, shape (1, 1, T, T), bool."""
        import torch

        causal = torch.ones(len(self.ids), len(self.ids), dtype=torch.bool).tril()
        shared = (self.segments == 0)[None, :] | (self.segments[:, None] == self.segments[None, :])
        return (causal & shared)[None, None]


class GroupPacker:
    """Packs groups with a generator's own tokenizer and chat template."""

    def __init__(self, tokenizer: Any, *, max_tokens: int = 1536) -> None:  # noqa: ANN401 - transformers ships no types
        """Take the tokenizer.

        Args:
            tokenizer: Of a model with a chat template.
            max_tokens: Longer groups lose their last questions.
        """
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens

    def split(self, group: GroundedGroup, question: GroundedQuestion) -> tuple[list[int], list[int]]:
        """A question's prompt in tokens: what the group shares, and the rest."""
        evidence = evidence_text(question.passages or group.passages)
        turns = (
            ChatTurn(role="system", content=group.system),
            ChatTurn(role="user", content=evidence + question_text(question.text, question.style)),
        )
        text: str = self._tokenizer.apply_chat_template(
            [{"role": turn.role, "content": turn.content} for turn in turns], tokenize=False, add_generation_prompt=True
        )
        place = text.find(evidence)
        if place < 0:
            raise TrainingError("The chat template changes the text of a turn, so questions cannot share a prefix.")
        head = place if question.passages else place + len(evidence)
        return self._ids(text[:head]), self._ids(text[head:])

    def pack(self, group: GroundedGroup) -> Packed | None:
        """Pack a group; None where not even one question fits."""
        import torch

        ids: list[int] = []
        positions: list[int] = []
        segments: list[int] = []
        labels: list[int] = []
        asked: list[int] = []
        answerable: list[float] = []
        shared = 0
        for question in group.questions:
            prefix, prompt = self.split(group, question)
            answer = [] if question.answer is None else [*self._ids(question.answer), self._tokenizer.eos_token_id]
            if len(ids or prefix) + len(prompt) + len(answer) > self._max_tokens:
                break
            if not ids:
                shared = len(prefix)
                ids, positions, segments = [*prefix], [*range(shared)], [0] * shared
                labels = [IGNORED] * shared
            start = len(ids)
            tokens = [*prompt, *answer]
            ids += tokens
            positions += range(shared, shared + len(tokens))
            segments += [len(asked) + 1] * len(tokens)
            # The token at each place learns its successor: the prompt's last token the first of the answer.
            learned = [*answer, IGNORED] if answer else [IGNORED]
            labels += [IGNORED] * (len(tokens) - len(learned)) + learned
            asked.append(start + len(prompt) - 1)
            answerable.append(float(question.answer is not None))
        if not asked:
            return None
        return Packed(
            ids=torch.tensor(ids),
            positions=torch.tensor(positions),
            segments=torch.tensor(segments),
            labels=torch.tensor(labels),
            asked=torch.tensor(asked),
            answerable=torch.tensor(answerable),
        )

    def _ids(self, text: str) -> list[int]:
        tokens: list[int] = self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return tokens


Sampler = Callable[[int], Sequence[GroundedGroup]]
"""The groups of an epoch, from 0; another draw of distractors, styles and names each time."""
