"""What ratings and corrections teach: examples, each of which remembers the ratings that it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TypeAlias

RatingId: TypeAlias = str  # "ANSWER:USER": one person's rating of one answer; "c:CORRECTION" for a correction


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPassage:
    """A passage as the bot had it before it when it answered."""

    uri: str  # of its document
    title: str = field(repr=False)  # "Refunds > How long it takes"
    text: str = field(repr=False)

    @property
    def key(self) -> str:
        """Names the passage for as long as its words stay, across every ingest."""
        return hashlib.sha256(f"{self.uri}\n{self.text}".encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentExample:
    """A question and what it is about."""

    question: str = field(repr=False)
    label: str
    weight: float  # how far its raters are trusted, (0, 1]
    ratings: tuple[RatingId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkExample:
    """A question and a passage that answers it, or one that was shown and does not."""

    question: str = field(repr=False)
    passage: ShownPassage
    good: bool
    weight: float  # (0, 1]
    ratings: tuple[RatingId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerExample:
    """An answer that was liked or not, and a better one where somebody gave it."""

    question: str = field(repr=False)
    passages: tuple[ShownPassage, ...]  # that it was written from, best first; may be empty for a correction
    answer: str = field(repr=False)  # that the bot gave; "" where it refused
    liked: bool
    better: str = field(default="", repr=False)  # an approved correction; "" for none
    weight: float  # (0, 1]
    ratings: tuple[RatingId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictExample:
    """A question, what the bot's scores said of it, and whether the documents did answer it."""

    question: str = field(repr=False)
    scores: Mapping[str, float]  # bot.types.Trace.scores
    answerable: bool
    weight: float  # (0, 1]
    ratings: tuple[RatingId, ...]


Example: TypeAlias = IntentExample | LinkExample | AnswerExample | VerdictExample


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Everything that can be learned now."""

    intents: tuple[IntentExample, ...] = ()
    links: tuple[LinkExample, ...] = ()
    answers: tuple[AnswerExample, ...] = ()
    verdicts: tuple[VerdictExample, ...] = ()

    def __len__(self) -> int:
        return len(self.all)

    @cached_property
    def all(self) -> tuple[Example, ...]:
        """Every example."""
        return (*self.intents, *self.links, *self.answers, *self.verdicts)

    @cached_property
    def ratings(self) -> tuple[RatingId, ...]:
        """The ratings that they came from, sorted."""
        return tuple(sorted({rating for example in self.all for rating in example.ratings}))

    def without(self, left_out: Callable[[str], bool]) -> Examples:
        """The same but for those of some questions."""
        return Examples(
            intents=tuple(one for one in self.intents if not left_out(one.question)),
            links=tuple(one for one in self.links if not left_out(one.question)),
            answers=tuple(one for one in self.answers if not left_out(one.question)),
            verdicts=tuple(one for one in self.verdicts if not left_out(one.question)),
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, hex: the same examples train the same adapter."""
        rows = sorted(json.dumps([type(one).__name__, asdict(one)], sort_keys=True) for one in self.all)
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()
