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
    COMMAND = "command"  # what a command said; nobody rates it
    RELAYED = "relayed"  # passed on to people, or theirs; the bot said nothing of its own


class Place(StrEnum):
    """Where something was said."""

    DIRECT = "direct"  # between the bot and one person
    GROUP = "group"  # a channel or group, outside any thread
    THREAD = "thread"  # a thread of a channel, a topic of a group


class AttachmentKind(StrEnum):
    """What was sent along with a message."""

    DOCUMENT = "document"
    IMAGE = "image"
    VOICE = "voice"
    OTHER = "other"  # videos, stickers, contacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that came with a message; it lies on the platform until it is fetched."""

    kind: AttachmentKind
    file_id: str  # what the platform fetches it by
    name: str = ""  # "handbook.pdf"; "" if unknown
    size: int = 0  # bytes; 0 if unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the platform says of a message besides its words; stored with it."""

    place: Place = Place.DIRECT
    command: str = ""  # "why" for `/why`; the message's text is then what follows it. "" for a question
    language: str = ""  # of the sender's client: "en", "zh-hans"; "" if unknown
    message_id: str = ""  # the platform's id of the message within its channel
    reply_to: str = ""  # the platform's id of the message that it replies to
    reply_to_sender: str = ""  # the platform's id of whoever wrote that
    replaces: str = ""  # the event id of the message that this is a new text of (an edit, or "regenerate")
    mentions: tuple[
        str, ...
    ] = ()  # the platform's ids of the people it names; ids come from the platform, not from text
    attachments: tuple[Attachment, ...] = ()
    album: str = ""  # what tells files that were sent together, each in a message of its own; "" for none
    rest: bool = False  # a further file of an album, without words: nothing is said to it
    avoid: tuple[int, ...] = ()  # ids of the chunks that another answer was wanted to
    subject: int = 0  # id of the answer that the message is about, where the bot had asked for it; else 0
    team: str = ""  # Slack's workspace id
    unseen: bool = False  # nobody else there saw it, as with Slack's slash commands in a channel


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
    origin: Origin = Origin()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A message in the durable inbox."""

    id: int
    conversation_id: int
    user_id: int
    message: Message
    reply_id: str = ""  # the platform's id of the message that its answer is edited into; "" before there is one
    replaced: bool = False  # its sender edited it: another version counts
    language: str = ""  # that its sender chose; "" for none


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
class Button:
    """Something to press under a message; it works after a restart too, since all it needs is in its data."""

    label: str
    data: str  # at most 64 bytes; bot.buttons reads and writes it
    style: str = ""  # "primary", "danger" or ""


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
    buttons: tuple[tuple[Button, ...], ...] = ()  # rows of a command's reply; those of an answer follow from its kind


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


class Wanted(StrEnum):
    """What the bot may wait to be told; the next text of that person in that place is it."""

    CORRECTION = "correction"  # the right answer, after a 👎
    CURATED = "curated"  # an admin's answer to a question that the bot could not answer
    KEPT = "kept"  # what people replied to an asker, changed, to be kept as a curated answer


class Role(StrEnum):
    """What a user may do, least first."""

    USER = "user"
    TRAINER = "trainer"
    ADMIN = "admin"
    OWNER = "owner"


class Scope(StrEnum):
    """What a key to the API allows."""

    CHAT = "chat"  # ask, list models, embed, rate and correct
    KNOWLEDGE = "knowledge"  # read, add and remove documents
    TRAIN = "train"  # see, start and cancel training runs
    METRICS = "metrics"  # read /metrics
