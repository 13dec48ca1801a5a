"""What the buttons do. Everything is stored before a press is acknowledged, and pressing again counts once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.blocking import run_blocking
from bot.buttons import Pressed, Verb, after_reason, below, read, reason_of, reasons
from bot.buttons import command as command_button
from bot.cards import Card, safe
from bot.commands.base import STOPPED, may, number_of
from bot.frontends.base import Form, Press, Response
from bot.handoff import Handoffs, handed_off, quoted
from bot.store.expectations import Expectation
from bot.store.handoffs import Handoff
from bot.store.inbox import EDIT_MARK
from bot.store.people import Person
from bot.store.store import Store
from bot.teaching import Teacher
from bot.texts import say
from bot.trail import note
from bot.types import (
    AnswerKind,
    Button,
    Correction,
    Message,
    Origin,
    Place,
    Rating,
    RatingReason,
    RatingValue,
    Role,
    StoredAnswer,
    Wanted,
)

STOPPED_AT_ONCE = 20  # commands that may be stopped before the first of them looks
CORRECTION_MINUTES = 30  # how long the right answer is waited for after it was asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a press leads to."""

    response: Response
    message: Message | None = None  # to be answered as if it had been said
    posts: bool = False  # whether something is to be said elsewhere


class Presses:
    """Carries out what buttons say."""

    def __init__(
        self,
        *,
        store: Store,
        handoffs: Handoffs,
        teacher: Teacher,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._handoffs = handoffs
        self._teacher = teacher
        self._now = now
        self._acts: dict[Verb, Callable[[Press, Pressed, Person, str], Awaitable[Outcome]]] = {
            Verb.RATE: self._rate,
            Verb.REASON: self._reason,
            Verb.CORRECT: self._correct,
            Verb.AGAIN: self._again,
            Verb.HUMAN: self._human,
            Verb.ASK: self._ask,
            Verb.BACK: self._back,
            Verb.COMMAND: self._command,
            Verb.RESOLVE: self._resolve,
            Verb.KEEP: self._keep,
            Verb.CHANGE: self._change,
            Verb.STOP: self._stop,
        }

    async def press(self, press: Press, person: Person, language: str) -> Outcome:
        """Do what a button says.

        Args:
            press: Which button, by whom.
            person: The one who pressed.
            language: In which to speak to them.
        """
        pressed = read(press.data)
        if pressed is None:
            return _say(say("button-unknown", language))
        return await self._acts[pressed.verb](press, pressed, person, language)

    # -- ratings

    async def _rate(self, press: Press, pressed: Pressed, person: Person, language: str) -> Outcome:
        answer = await self._answer(press, pressed)
        if answer is None or pressed.argument not in set(RatingValue):
            return _say(say("button-unknown", language))
        value = RatingValue(pressed.argument)
        # who blames a refusal says on the button itself what was wrong: the documents tell, and it did not find it
        told = value is RatingValue.DOWN and answer.answer.kind is AnswerKind.REFUSAL
        before = await run_blocking(self._store.ratings.of, answer.id, person.id)
        if before is None or before.value is not value or (told and before.reason is None):  # a given reason stays
            reason = RatingReason.WRONG_SOURCE if told else None
            rating = Rating(answer_id=answer.id, user_id=person.id, value=value, reason=reason)
            await run_blocking(self._store.ratings.rate, rating)
        if told:
            return _reasoned(answer, language)
        if value is RatingValue.DOWN:
            return Outcome(response=Response(toast=say("ask-reason", language), buttons=reasons(answer.id, language)))
        return Outcome(response=Response(toast=say("thanks", language), buttons=self._below(answer, language, value)))

    async def _reason(self, press: Press, pressed: Pressed, person: Person, language: str) -> Outcome:
        answer, reason = await self._answer(press, pressed), reason_of(pressed.argument)
        if answer is None or reason is None:
            return _say(say("button-unknown", language))
        rating = Rating(answer_id=answer.id, user_id=person.id, value=RatingValue.DOWN, reason=reason)
        await run_blocking(self._store.ratings.rate, rating)
        return _reasoned(answer, language)

    async def _back(self, press: Press, pressed: Pressed, person: Person, language: str) -> Outcome:
        answer = await self._answer(press, pressed)
        if answer is None:
            return _say(say("button-unknown", language))
        rating = await run_blocking(self._store.ratings.of, answer.id, person.id)
        rated = rating.value if rating else None
        return Outcome(response=Response(buttons=self._below(answer, language, rated)))

    async def _correct(self, press: Press, pressed: Pressed, person: Person, language: str) -> Outcome:
        answer = await self._answer(press, pressed)
        if answer is None:
            return _say(say("button-unknown", language))
        if press.text.strip():  # a form was filled in
            correction = Correction(answer_id=answer.id, user_id=person.id, text=press.text.strip())
            if await run_blocking(self._store.ratings.find, correction) is None:  # else the reply to it was lost
                await run_blocking(self._store.ratings.correct, correction)
            return _say(say("thanks-correction", language))
        await run_blocking(
            self._store.expectations.expect,
            press.platform,
            press.channel,
            press.thread,
            person.id,
            Expectation(kind=Wanted.CORRECTION, subject=answer.id),
            minutes=CORRECTION_MINUTES,
        )
        return Outcome(
            response=Response(
                say=Card(text=say("ask-correction", language)),
                buttons=self._below(answer, language, RatingValue.DOWN),
                expects_text=True,
            )
        )

    # -- other answers

    async def _again(self, press: Press, pressed: Pressed, person: Person, language: str) -> Outcome:
        answer = await self._answer(press, pressed)
        asked = None if answer is None else await run_blocking(self._store.inbox.get, answer.message_id)
        if answer is None or asked is None:
            return _say(say("button-unknown", language))
        original = asked.message.origin.replaces or asked.message.event_id
        tries = await run_blocking(self._store.inbox.given_up_since, asked)
        origin = asked.message.origin
        shown = tuple(source.chunk_id for source in answer.answer.sources)
        again = Message(
            platform=press.platform,
            event_id=f"{original}{EDIT_MARK}again-{answer.id}-{tries}",  # pressed twice, it is looked for once
            channel=press.channel,
            thread=asked.message.thread,
            sender=person.platform_user_id,
            sender_name=person.name,
            text=asked.message.text,
            received_at=self._now(),
            origin=Origin(
                place=origin.place,
                language=origin.language,
                message_id=origin.message_id,
                replaces=original,
                avoid=tuple(dict.fromkeys((*origin.avoid, *shown))),
                team=origin.team,
                unseen=origin.unseen,
            ),
        )
        return Outcome(response=Response(toast=say("looking-again", language)), message=again)

    async def _ask(self, press: Press, pressed: Pressed, person: Person, language: str) -> Outcome:
        answer = await self._answer(press, pressed)
        number = number_of(pressed.argument)
        if answer is None or not 1 <= number <= len(answer.answer.suggestions):
            return _say(say("button-unknown", language))
        text = answer.answer.suggestions[number - 1]
        return Outcome(response=Response(toast=text), message=self._said(press, person, text))

    async def _command(self, press: Press, pressed: Pressed, person: Person, language: str) -> Outcome:  # noqa: ARG002 - all acts are alike
        message = self._said(press, person, pressed.argument, command=pressed.subject)
        return Outcome(response=Response(), message=message)

    # -- people

    async def _stop(self, press: Press, pressed: Pressed, person: Person, language: str) -> Outcome:
        """Have a command that is being carried out not carried on, by who gave it or an admin."""
        asked = await run_blocking(self._store.inbox.get, number_of(pressed.subject))
        if asked is None or (asked.message.platform, asked.message.channel) != (press.platform, press.channel):
            return _say(say("button-unknown", language))
        if asked.user_id != person.id and not may(person.role, Role.ADMIN):
            return _say(say("not-allowed", language, role=say("role-admin", language)))
        await run_blocking(self._note_stopped, asked.id)
        return _say(say("stopping", language))

    def _note_stopped(self, message_id: int) -> None:
        """Blocks."""
        before = (self._store.settings.get(STOPPED) or "").split()
        self._store.settings.set(STOPPED, " ".join([*before[-STOPPED_AT_ONCE:], str(message_id)]))

    async def _human(self, press: Press, pressed: Pressed, person: Person, language: str) -> Outcome:
        answer = await self._answer(press, pressed)
        if answer is None:
            return _say(say("button-unknown", language))
        asked = await run_blocking(self._store.inbox.get, answer.message_id)
        unseen = asked is not None and asked.message.origin.unseen
        opened = await self._handoffs.open(
            answer.conversation_id, person, answer.question, about=answer.message_id, unseen=unseen
        )
        text = say(handed_off(unseen) if opened else "human", language)
        return Outcome(response=Response(toast="", say=Card(text=text)), posts=opened)

    async def _resolve(self, press: Press, pressed: Pressed, person: Person, language: str) -> Outcome:  # noqa: ARG002 - all acts are alike
        handoff = await run_blocking(self._store.handoffs.get, number_of(pressed.subject))
        if handoff is None or (press.platform, press.channel) != (handoff.team_platform, handoff.team_channel):
            return _say(say("button-unknown", language))
        resolved = await self._handoffs.resolve(handoff.id)
        if resolved is None:
            return _say(say("resolved-before", language))
        await note(self._store, press, "resolve handoff", str(handoff.id))
        return Outcome(
            response=Response(toast=say("resolved", language), buttons=self._handoffs.keep_row(resolved)), posts=True
        )

    async def _keep(self, press: Press, pressed: Pressed, person: Person, language: str) -> Outcome:
        handoff = await self._to_keep(press, pressed, person, language)
        if isinstance(handoff, Outcome):
            return handoff
        document_id = await run_blocking(self._teacher.teach, handoff.question, handoff.reply)
        await note(self._store, press, "teach", f"handoff {handoff.id}: written answer {document_id}")
        text = say("taught-pair", language, question=safe(handoff.question), answer=safe(handoff.reply))
        undo = command_button(say("button-unteach", language), "unteach", str(document_id))
        return Outcome(
            response=Response(toast=say("taught", language), buttons=(), say=Card(text=text, buttons=((undo,),)))
        )

    async def _change(self, press: Press, pressed: Pressed, person: Person, language: str) -> Outcome:
        handoff = await self._to_keep(press, pressed, person, language)
        if isinstance(handoff, Outcome):
            return handoff
        if press.text.strip():  # a form was filled in: as if it had been said when it was asked for
            kept = self._said(press, person, press.text.strip(), command=Wanted.KEPT, subject=handoff.id)
            return Outcome(response=Response(buttons=()), message=kept)
        if press.takes_form:
            return Outcome(response=Response(form=Form(question=handoff.question, answer=handoff.reply)))
        await run_blocking(
            self._store.expectations.expect,
            press.platform,
            press.channel,
            press.thread,
            person.id,
            Expectation(kind=Wanted.KEPT, subject=handoff.id),
            minutes=CORRECTION_MINUTES,
        )
        text = f"{say('keep-write', language, question=safe(handoff.question))}\n\n{quoted(handoff.reply)}"
        return Outcome(response=Response(say=Card(text=text), expects_text=True))

    async def _to_keep(self, press: Press, pressed: Pressed, person: Person, language: str) -> Handoff | Outcome:
        """The handoff whose reply is to be kept, or what is said to somebody who may not do that."""
        handoff = await run_blocking(self._store.handoffs.get, number_of(pressed.subject))
        here = handoff is not None and (handoff.team_platform, handoff.team_channel) == (press.platform, press.channel)
        if handoff is None or not here or not handoff.reply:
            return _say(say("button-unknown", language))
        if person.role not in {Role.TRAINER, Role.ADMIN, Role.OWNER}:
            await note(self._store, press, "refused: keep", str(handoff.id))
            return _say(say("not-allowed", language, role=say("role-trainer", language)))
        return handoff

    # -- helpers

    async def _answer(self, press: Press, pressed: Pressed) -> StoredAnswer | None:
        """The answer that a button names, if it stands where the button was pressed: a press can be forged."""
        answer = await run_blocking(self._store.answers.get, number_of(pressed.subject))
        asked = None if answer is None else await run_blocking(self._store.inbox.get, answer.message_id)
        if asked is None or (asked.message.platform, asked.message.channel) != (press.platform, press.channel):
            return None
        return answer

    def _below(self, answer: StoredAnswer, language: str, rated: RatingValue | None) -> tuple[tuple[Button, ...], ...]:
        return below(answer, language, rated=rated, human=self._handoffs.possible)

    def _said(self, press: Press, person: Person, text: str, *, command: str = "", subject: int = 0) -> Message:
        return Message(
            platform=press.platform,
            event_id=f"press:{press.event_id}",
            channel=press.channel,
            thread=press.thread,
            sender=person.platform_user_id,
            sender_name=person.name,
            text=text,
            received_at=self._now(),
            origin=Origin(
                place=press.place,
                command=command,
                language=press.language,
                message_id=press.message_id,
                subject=subject,
                team=press.team,
                # what stands in no message is seen by whoever pressed alone, and so is what it leads to
                unseen=press.place is Place.GROUP and not press.message_id,
            ),
        )


def _reasoned(answer: StoredAnswer, language: str) -> Outcome:
    """What follows when somebody said what was wrong."""
    return Outcome(response=Response(toast=say("thanks-reason", language), buttons=after_reason(answer.id, language)))


def _say(text: str) -> Outcome:
    return Outcome(response=Response(toast=text))
