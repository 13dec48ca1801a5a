"""The types that flow through the bot: Message -> Answer -> Rating."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from adapters.types import Intent


class Outcome(StrEnum):
    """How a message ended."""

    ANSWERED = "answered"
    ABSTAINED = "abstained"
    HANDED_OFF = "handed off"


class AnswerKind(StrEnum):
    """Where an answer's words come from."""

    GENERATED = "generated"  # written by the generator, every sentence checked against the passages
    QUOTED = "quoted"  # the best passage, word for word
    CURATED = "curated"  # a curated answer, word for word
    CANNED = "canned"  # small talk or a team's own intent
    CLARIFICATION = "clarification"  # "did you mean", with suggestions
    REFUSAL = "refusal"
    ERROR = "error"  # the error boundary's apology


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What somebody said, not yet stored."""

    platform: str  # "console", "telegram", "slack", "web"
    event_id: str  # the platform's own id of the event; unique per platform
    channel: str  # chat or channel id; the terminal's is "terminal"
    thread: str  # thread or topic id, "" where there is none
    sender: str  # the platform's user id
    sender_name: str  # as shown there; "" if unknown
    text: str
    received_at: datetime  # aware, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A message in the durable inbox."""

    id: int
    conversation_id: int
    user_id: int
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A question of the same conversation with the answer it got."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A passage as the reader of an answer sees it."""

    number: int  # from 1, as cited in the answer
    title: str  # "Refunds > How long it takes"
    uri: str
    anchor: str
    excerpt: str  # the passage's text
    chunk_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedPassage:
    """A passage's scores, kept with the answer."""

    chunk_id: int
    title: str
    uri: str
    similarity: float  # cosine, [-1, 1]
    lexical: float  # BM25, >= 0
    fused: float  # reciprocal rank fusion
    used: bool  # went into the prompt, or was quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What explains an answer."""

    intent: Intent | None
    passages: tuple[TracedPassage, ...]
    reason: str  # why it was answered, quoted or refused, in plain words
    query: str  # what was searched for; differs from the text when a follow-up was resolved
    draft: str  # what the generator wrote before the groundedness check; "" if it was not asked
    versions: Mapping[str, str]  # {"encoder": ..., "intent": ..., "generator": ...}
    timings_ms: Mapping[str, float]  # {"encode": ..., "retrieve": ..., "first_token": ..., "total": ...}
    # {"retrieval": [0, 1], "head": log odds, "likelihood": by how many nats a token the passages make the question
    # likelier, "answerable": all joined, [0, 1]}; what was not asked for is missing
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the bot says to one message."""

    text: str
    kind: AnswerKind
    outcome: Outcome
    sources: tuple[Source, ...]
    suggestions: tuple[str, ...]  # up to three questions, for "did you mean"
    trace: Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """An answer in the store."""

    id: int
    message_id: int
    conversation_id: int
    question: str
    answer: Answer
    created_at: datetime  # aware, UTC


class RatingValue(StrEnum):
    """A person's verdict."""

    UP = "up"
    DOWN = "down"


class RatingReason(StrEnum):
    """Why a 👎; each goes where its cause is."""

    WRONG_TOPIC = "wrong topic"
    WRONG_SOURCE = "wrong source"
    BAD_WORDING = "bad wording"
    OUT_OF_DATE = "out of date"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """One person's rating of one answer; rating again replaces it."""

    answer_id: int
    user_id: int
    value: RatingValue
    reason: RatingReason | None = None
    comment: str = field(default="", repr=False)  # a person's text: never in a log


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What somebody says the right answer is; waits for an admin's approval."""

    answer_id: int
    user_id: int
    text: str = field(repr=False)


class Role(StrEnum):
    """What a user may do, least first."""

    USER = "user"
    TRAINER = "trainer"
    ADMIN = "admin"
    OWNER = "owner"
