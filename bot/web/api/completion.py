"""Chat completions as OpenAI's clients send and read them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, Field, StrictBool, StrictInt, WithJsonSchema

from bot.types import Answer, StoredAnswer, Turn
from bot.web.api.caller import EndUser
from bot.web.api.shown import shown_uri

BOT: Final = "burnish"  # the model that is the bot with whatever serves
MAX_MESSAGES: Final = 1_000
MAX_CHARACTERS: Final = 1_000_000  # of one message; what is too long for a question the bot says itself

_NOT_OFFERED: Final = "Not offered: a request that needs it is refused."
_IGNORED: Final = "Taken and ignored."


def _refused(wish: bool) -> bool:  # noqa: FBT001 - pydantic gives the value alone
    if wish:
        raise ValueError(_NOT_OFFERED)
    return wish


_No = Annotated[StrictBool, AfterValidator(_refused), WithJsonSchema({"type": "boolean", "const": False})]


class TextPart(BaseModel):
    """A piece of a message; pictures, sounds and files are not read."""

    type: Literal["text"]
    text: Annotated[str, Field(max_length=MAX_CHARACTERS)]


class Question(BaseModel):
    """What the end user said. The last one is answered, those before it are what it may refer to."""

    role: Literal["user"]
    content: Annotated[str, Field(max_length=MAX_CHARACTERS)] | Annotated[list[TextPart], Field(max_length=100)]


class Reply(BaseModel):
    """What was answered before."""

    role: Literal["assistant"]
    content: (
        Annotated[str, Field(max_length=MAX_CHARACTERS)] | Annotated[list[TextPart], Field(max_length=100)] | None
    ) = None


class Aside(BaseModel):
    """Taken and not followed: what the bot is told to be is in its settings."""

    role: Literal["system", "developer", "tool", "function"]
    content: Any = None


ChatMessage = Annotated[Question | Reply | Aside, Field(discriminator="role")]


class StreamOptions(BaseModel):
    """How to stream."""

    include_usage: StrictBool | None = Field(None, description="Send a last chunk with the usage.")


class Wishes(BaseModel):
    """What goes beyond OpenAI's API."""

    trace: StrictBool = Field(False, description="Whether the answer comes with what explains it.")


class CompletionRequest(BaseModel):
    """A question with what came before it. What is not listed here is ignored."""

    model: Annotated[str, Field(max_length=200)] = Field(
        description=f"`{BOT}`, or one of those that /v1/models lists.", examples=[BOT]
    )
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_MESSAGES)] = Field(
        examples=[[{"role": "user", "content": "How long does a refund take?"}]],
        description="At least one of the user's, with something in it.",
    )
    stream: StrictBool | None = Field(False, description="Send the answer as server-sent events while it is written.")
    stream_options: StreamOptions | None = None
    user: EndUser = None
    safety_identifier: EndUser = None
    burnish: Wishes | None = None
    n: Annotated[StrictInt, Field(ge=1, le=1)] | None = Field(
        None, description="One answer is given; more are refused."
    )
    tools: Annotated[list[Any], Field(max_length=0)] | None = Field(None, description=_NOT_OFFERED)
    functions: Annotated[list[Any], Field(max_length=0)] | None = Field(None, description=_NOT_OFFERED)
    modalities: list[Literal["text"]] | None = Field(None, description="Text alone.")
    audio: None = Field(None, description=_NOT_OFFERED)
    stop: Annotated[list[Any], Field(max_length=0)] | None = Field(None, description=_NOT_OFFERED)
    logprobs: _No | None = Field(None, description=_NOT_OFFERED)
    response_format: TextFormat | None = Field(None, description="Text alone.")
    temperature: Annotated[Any, WithJsonSchema({})] = Field(None, description=_IGNORED)
    max_tokens: Annotated[Any, WithJsonSchema({})] = Field(None, description=_IGNORED)
    max_completion_tokens: Annotated[Any, WithJsonSchema({})] = Field(None, description=_IGNORED)

    @property
    def end_user(self) -> str | None:
        """The program's own id of whoever asks."""
        return self.user or self.safety_identifier

    @property
    def wants_trace(self) -> bool:
        """Whether the answer is to be explained."""
        return self.burnish is not None and self.burnish.trace

    @property
    def question(self) -> str:
        """What the user said last; "" if nothing."""
        said = [text_of(one) for one in self.messages if one.role == "user"]
        return said[-1].strip() if said else ""

    @property
    def first(self) -> str:
        """What the user said first: the same all through a conversation."""
        return next((text_of(one) for one in self.messages if one.role == "user"), "")

    def history(self, *, turns: int, characters: int) -> tuple[Turn, ...]:
        """What came before the question, oldest first.

        Args:
            turns: The last so many at most.
            characters: Of a question or an answer that are kept.
        """
        found: list[Turn] = []
        asked = max(number for number, one in enumerate(self.messages) if one.role == "user")
        for one in self.messages[:asked]:
            text = text_of(one)[:characters]
            if one.role == "user":
                found.append(Turn(question=text, answer=""))
            elif one.role == "assistant" and found:
                before = found[-1]
                said = f"{before.answer}\n{text}" if before.answer else text
                found[-1] = Turn(question=before.question, answer=said[:characters])
        return tuple(found[max(0, len(found) - turns) :])


class TextFormat(BaseModel):
    """Text."""

    type: Literal["text"]


def text_of(message: Question | Reply | Aside) -> str:
    """A message's words; "" for those that are not followed."""
    if isinstance(message, Aside) or message.content is None:
        return ""
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text for part in message.content)


class Usage(BaseModel):
    """How much was read and written, in tokens of the search's encoder."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class SourceBody(BaseModel):
    """A passage that the answer stands on."""

    number: int = Field(description="As cited in the text.")
    title: str
    uri: str = Field(description="An address, or a file's name.")
    anchor: str
    excerpt: str


class Extension(BaseModel):
    """What the bot says besides OpenAI's fields."""

    answer_id: int = Field(description="For /v1/ratings and /v1/corrections.")
    outcome: str = Field(description="answered or abstained.")
    kind: str = Field(description="generated, quoted, curated, canned, clarification, refusal, ...")
    sources: list[SourceBody]
    suggestions: list[str] = Field(description='Questions to choose from, where it asks "did you mean".')
    tokens_counted_by: str = Field(description="Whose tokens the usage is in.")
    trace: dict[str, Any] | None = Field(None, description="What explains the answer, if it was asked for.")


class Said(BaseModel):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(BaseModel):
    """The one answer."""

    index: int = 0
    message: Said
    finish_reason: Literal["stop"] = "stop"
    logprobs: None = None


class Completion(BaseModel):
    """An answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    burnish: Extension


def extension_of(stored: StoredAnswer, *, trace: bool) -> Extension:
    """What goes beyond OpenAI's fields."""
    answer = stored.answer
    return Extension(
        answer_id=stored.id,
        outcome=answer.outcome.value,
        kind=answer.kind.value,
        sources=[
            SourceBody(
                number=one.number,
                title=one.title,
                uri=shown_uri(one.uri),
                anchor=one.anchor,
                excerpt=one.excerpt,
            )
            for one in answer.sources
        ],
        suggestions=list(answer.suggestions),
        tokens_counted_by="encoder",
        trace=_trace(answer) if trace else None,
    )


def _trace(answer: Answer) -> dict[str, Any]:
    trace = answer.trace
    intent = trace.intent
    return {
        "reason": trace.reason,
        "query": trace.query,
        "draft": trace.draft,
        "intent": None
        if intent is None
        else {"label": intent.label, "confidence": intent.confidence, "in_scope": intent.in_scope},
        "passages": [
            {
                "title": one.title,
                "uri": shown_uri(one.uri),
                "similarity": one.similarity,
                "lexical": one.lexical,
                "fused": one.fused,
                "used": one.used,
            }
            for one in trace.passages
        ],
        "scores": dict(trace.scores),
        "versions": dict(trace.versions),
        "timings_ms": dict(trace.timings_ms),
    }
