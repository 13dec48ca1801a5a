"""What is written on buttons and what they carry (pure): all that a press needs, in at most 64 bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.routing import COMPLAINT
from bot.texts import say
from bot.types import AnswerKind, Button, RatingReason, RatingValue, StoredAnswer

MAX_BYTES = 64  # Telegram's limit for a button's data; Slack allows far more
LABEL_CHARACTERS = 75  # Slack's limit for a button's text

Rows = tuple[tuple[Button, ...], ...]


class Verb(StrEnum):
    """What a button does."""

    RATE = "r"  # r:ANSWER:up
    REASON = "y"  # y:ANSWER:NUMBER of the reason, from 1
    CORRECT = "c"  # c:ANSWER, then the right answer is taken as text
    AGAIN = "g"  # g:ANSWER
    HUMAN = "h"  # h:ANSWER
    ASK = "s"  # s:ANSWER:NUMBER of the suggested question, from 1
    BACK = "b"  # b:ANSWER, from the reasons to the first buttons
    COMMAND = "x"  # x:COMMAND:its arguments
    RESOLVE = "v"  # v:HANDOFF
    KEEP = "k"  # k:HANDOFF, its question and reply become a curated answer
    STOP = "z"  # z:MESSAGE, what it began is not carried on
    CHANGE = "e"  # e:HANDOFF, then what is to be kept is taken as text


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A button's data, read."""

    verb: Verb
    subject: str  # an id, or a command's name
    argument: str = ""  # whatever follows


def data_of(verb: Verb, subject: int | str, argument: int | str = "") -> str:
    """Write a button's data.

    Raises:
        ValueError: It is longer than a platform takes: a slip in the program.
    """
    data = f"{verb.value}:{subject}:{argument}" if argument != "" else f"{verb.value}:{subject}"
    if len(data.encode()) > MAX_BYTES:
        raise ValueError(data)
    return data


def read(data: str) -> Pressed | None:
    """Read a button's data; None for what no button of ours carries."""
    verb, _, rest = data.partition(":")
    subject, _, argument = rest.partition(":")
    if verb not in set(Verb) or not subject:
        return None
    return Pressed(verb=Verb(verb), subject=subject, argument=argument)


def below(stored: StoredAnswer, language: str, *, rated: RatingValue | None = None, human: bool = True) -> Rows:
    """The buttons under an answer.

    Args:
        stored: The answer.
        language: Of their labels.
        rated: What the reader said of it already; marked.
        human: Whether there are people to pass a conversation on to.
    """
    answer = stored.answer
    help_me = (_button("button-human", language, data_of(Verb.HUMAN, stored.id)),) if human else ()
    again = _button("button-again", language, data_of(Verb.AGAIN, stored.id))
    if answer.kind in {AnswerKind.GENERATED, AnswerKind.QUOTED, AnswerKind.CURATED}:
        return rating_row(stored.id, rated=rated), (again, *help_me)
    if answer.kind is AnswerKind.CLARIFICATION:
        offered = tuple(
            (Button(label=_short(text), data=data_of(Verb.ASK, stored.id, number)),)
            for number, text in enumerate(answer.suggestions, start=1)
        )
        return (*offered, help_me) if help_me else offered
    if answer.kind is AnswerKind.CANNED and answer.trace.intent is not None:  # who is angry may want a person
        return (help_me,) if help_me and answer.trace.intent.label == COMPLAINT else ()
    if answer.kind is AnswerKind.REFUSAL:
        told = (_refusal_row(stored.id, language, rated),) if answer.trace.passages else ()  # else nothing was weighed
        return (*told, help_me) if help_me else told
    if answer.kind is AnswerKind.ERROR:
        return ((_button("button-try-again", language, data_of(Verb.AGAIN, stored.id)), *help_me),)
    return answer.buttons


def rating_row(answer_id: int, *, rated: RatingValue | None = None) -> tuple[Button, ...]:
    """👍 and 👎; the one that was pressed is ticked."""
    return _rating_row(answer_id, rated, up="👍", down="👎")


def _refusal_row(answer_id: int, language: str, rated: RatingValue | None) -> tuple[Button, ...]:
    """Whether the bot was right that the documents do not tell; a sign alone would leave open what it blames."""
    up, down = say("button-refused-rightly", language), say("button-refused-wrongly", language)
    return _rating_row(answer_id, rated, up=f"👍 {up}", down=f"👎 {down}")


def _rating_row(answer_id: int, rated: RatingValue | None, *, up: str, down: str) -> tuple[Button, ...]:
    return tuple(
        Button(label=f"{label} ✓" if rated is value else label, data=data_of(Verb.RATE, answer_id, value.value))
        for value, label in ((RatingValue.UP, up), (RatingValue.DOWN, down))
    )


def reasons(answer_id: int, language: str) -> Rows:
    """The one follow-up to a 👎: what was wrong, or at once what is right."""
    rows = [
        (_button(f"reason-{reason.name.lower().replace('_', '-')}", language, data_of(Verb.REASON, answer_id, number)),)
        for number, reason in enumerate(RatingReason, start=1)
    ]
    return (*rows, *after_reason(answer_id, language))


def after_reason(answer_id: int, language: str) -> Rows:
    """The offer to give the right answer."""
    return (
        (
            _button("button-correct", language, data_of(Verb.CORRECT, answer_id)),
            _button("button-back", language, data_of(Verb.BACK, answer_id)),
        ),
    )


def stop_row(message_id: int, language: str) -> tuple[Button, ...]:
    """Under a command that takes a while: its message's id in the store."""
    return (_button("button-stop", language, data_of(Verb.STOP, message_id)),)


def reason_of(argument: str) -> RatingReason | None:
    """The reason that a button's number means."""
    found = tuple(RatingReason)
    return found[int(argument) - 1] if argument in {str(one) for one in range(1, len(found) + 1)} else None


def command(label: str, name: str, arguments: str = "", *, style: str = "") -> Button:
    """A button that gives a command."""
    return Button(label=_short(label), data=data_of(Verb.COMMAND, name, arguments), style=style)


def _button(key: str, language: str, data: str) -> Button:
    return Button(label=say(key, language), data=data)


def _short(label: str) -> str:
    return label if len(label) <= LABEL_CHARACTERS else f"{label[: LABEL_CHARACTERS - 1]}…"
