"""Commands about the last answer: why, sources, rate, and the right answer that somebody was asked for."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.types import Intent
from bot.blocking import run_blocking
from bot.buttons import Rows, rating_row
from bot.buttons import command as command_button
from bot.cards import safe, source_line
from bot.commands.base import Call, Reply, Run, may, usage, words_of
from bot.handoff import quoted
from bot.store.inbox import NOT_DIALOGUE
from bot.store.store import Store
from bot.texts import say
from bot.types import (
    Answer,
    AnswerKind,
    Correction,
    Outcome,
    Rating,
    RatingReason,
    RatingValue,
    Role,
    StoredAnswer,
    TracedPassage,
)

PASSAGES = 8  # that /why lists, best first
QUESTION_CHARACTERS = 120  # of a question that is named

_VALUES = {
    "up": RatingValue.UP,
    "👍": RatingValue.UP,
    "+": RatingValue.UP,
    "down": RatingValue.DOWN,
    "👎": RatingValue.DOWN,
    "-": RatingValue.DOWN,
}
# What scores, steps and versions are called in the texts.
_CALLED = frozenset(
    {
        *("retrieval", "head", "likelihood", "answerable"),
        *("encode", "classify", "retrieve", "extract", "first_token", "check", "write", "total"),
        *("encoder", "intent", "generator"),
    }
)


class AboutAnswers:
    """The answer that the command replies to, else the last one of the conversation."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def runs(self) -> Mapping[str, Run]:
        """What carries out which command."""
        return {"why": self.why, "sources": self.sources, "rate": self.rate, "correction": self.correction}

    async def why(self, call: Call) -> Reply:
        """Explain an answer."""
        stored = await self._answer(call)
        if stored is None:
            return _nothing_yet(call)
        return Reply(text=explanation(stored, call.language, in_detail=may(call.person.role, Role.ADMIN)))

    async def sources(self, call: Call) -> Reply:
        """Show the passages behind an answer in full."""
        stored = await self._answer(call)
        if stored is None:
            return _nothing_yet(call)
        if not stored.answer.sources:
            return Reply(text=say("sources-none", call.language))
        pieces = (
            f"**{one.number}.** {source_line(one, call.language)}\n{quoted(one.excerpt)}"
            for one in stored.answer.sources
        )
        return Reply(text="\n\n".join(pieces))

    async def rate(self, call: Call) -> Reply:
        """Take a rating in words, or offer the buttons."""
        stored = await self._answer(call)
        if stored is None:
            return _nothing_yet(call)
        if not call.arguments:
            return Reply(text=say("rate-which", call.language), buttons=(rating_row(stored.id),))
        word, rest = words_of(call.arguments)
        value = _VALUES.get(word)
        if value is None:
            return usage(call, "rate")
        reason, comment = _reason(rest) if value is RatingValue.DOWN and rest else (None, "")
        rating = Rating(answer_id=stored.id, user_id=call.person.id, value=value, reason=reason, comment=comment)
        await run_blocking(self._store.ratings.rate, rating)
        return Reply(text=say("rated-up" if value is RatingValue.UP else "rated-down", call.language))

    async def correction(self, call: Call) -> Reply:
        """Keep the right answer that somebody was asked for."""
        subject = call.stored.message.origin.subject
        about = await run_blocking(self._store.answers.get, subject)
        if about is None or not call.arguments:
            return Reply(text=say("correction-of-nothing", call.language))
        correction = Correction(answer_id=about.id, user_id=call.person.id, text=call.arguments)
        correction_id = await run_blocking(self._keep, correction)
        buttons: Rows = ()
        if may(call.person.role, Role.TRAINER):
            label = say("button-approve-now", call.language)
            buttons = ((command_button(label, "report", f"approve {correction_id}", style="primary"),),)
        return Reply(text=say("thanks-correction", call.language), buttons=buttons)

    def _keep(self, correction: Correction) -> int:
        """The same again, as after a crash, is kept once."""
        known = self._store.ratings.find(correction)
        return self._store.ratings.correct(correction) if known is None else known

    async def _answer(self, call: Call) -> StoredAnswer | None:
        message = call.stored.message
        if message.origin.reply_to:
            named = await run_blocking(
                self._store.answers.by_message, message.platform, message.channel, message.origin.reply_to
            )
            if named is not None and named.answer.kind not in NOT_DIALOGUE:
                return named
        return await run_blocking(self._store.answers.latest, call.stored.conversation_id)


def explanation(stored: StoredAnswer, language: str, *, in_detail: bool) -> str:
    """Why an answer is as it is, as Markdown: in plain words, and the numbers for whoever runs the bot.

    Args:
        stored: The answer; which question it is to stands first, since it need not be the last one.
        language: In which to say it.
        in_detail: Whether to add the numbers.
    """
    trace, shown = stored.answer.trace, stored.answer.trace.passages[:PASSAGES]
    question = " ".join(stored.question.split())
    if len(question) > QUESTION_CHARACTERS:
        question = f"{question[: QUESTION_CHARACTERS - 1]}…"
    lines = [f"**{say('why-about', language, question=safe(question))}**", say(how(stored.answer), language)]
    if trace.query and trace.query != stored.question:
        lines.append(say("why-searched", language, query=safe(trace.query)))
    if "answerable" in trace.scores and shown:
        lines.append(say("why-sure", language, percent=round(100 * trace.scores["answerable"])))
    if shown:
        lines += ["", say("why-passages", language)]
        lines += [f"{number}. {_found(passage, language)}" for number, passage in enumerate(shown, start=1)]
    if in_detail:
        lines += ["", f"**{say('why-details', language)}**", *_details(stored, language)]
    return "\n".join(lines)


def how(answer: Answer) -> str:
    """Which sentence says where an answer's words come from."""
    return "why-handed-off" if answer.outcome is Outcome.HANDED_OFF else f"why-{answer.kind.value}"


def _found(passage: TracedPassage, language: str) -> str:
    used = f" · **{say('why-used', language)}**" if passage.used else ""
    return f"{safe(passage.title)}{used}"


def _details(stored: StoredAnswer, language: str) -> list[str]:
    trace = stored.answer.trace
    facts = [
        ("why-number", f"#{stored.id}"),
        ("why-because", safe(trace.reason)),
        ("why-taken", intent_said(trace.intent, language) if trace.intent is not None else ""),
        ("why-scores", listed_values(trace.scores, "{:.2f}", language)),
        ("why-matches", "; ".join(_match(*one, language) for one in enumerate(trace.passages[:PASSAGES], start=1))),
        (
            "why-versions",
            ", ".join(f"{called(task, language)} `{name}`" for task, name in trace.versions.items()),
        ),
        ("why-times", listed_values({name: ms / 1000 for name, ms in trace.timings_ms.items()}, "{:.2f} s", language)),
    ]
    return [f"- {say(key, language)} {text}" for key, text in facts if text]


def intent_said(intent: Intent, language: str) -> str:
    """What a message was taken for, and how surely."""
    sure, near = round(100 * intent.confidence), round(100 * intent.in_scope)
    return say("why-taken-for", language, label=safe(intent.label), sure=sure, near=near)


def _match(number: int, passage: TracedPassage, language: str) -> str:
    meaning, words = f"{passage.similarity:.2f}", f"{passage.lexical:.1f}"
    return say("why-match", language, number=number, meaning=meaning, words=words, both=f"{passage.fused:.3f}")


def listed_values(values: Mapping[str, float], form: str, language: str) -> str:
    """Scores or times by what they are called."""
    return ", ".join(f"{called(name, language)} {form.format(value)}" for name, value in values.items())


def called(name: str, language: str) -> str:
    """What a part of the way to an answer is called; older or newer answers may hold names that are not known here."""
    return say(f"why-{name.replace('_', '-')}", language) if name in _CALLED else name


def came_about(kind: AnswerKind, outcome: Outcome, language: str) -> str:
    """How a question ended and where the answer's words come from."""
    ended = say(f"outcome-{outcome.value.replace(' ', '-')}", language)
    return f"{ended} · {say(f'kind-{kind.value}', language)}"


def _reason(text: str) -> tuple[RatingReason, str]:
    """The reason that words or a number from 1 mean, and what follows its colon; anything else is another reason.

    After "wrong topic:" a trainer can name the intent that it is: bot.learning.feedback.
    """
    named, _, rest = text.partition(":")
    plain, every = named.strip().lower(), tuple(RatingReason)
    if plain.isascii() and plain.isdecimal() and 1 <= int(plain) <= len(every):
        return every[int(plain) - 1], rest.strip()
    reason = next((one for one in every if one.value == plain), None)
    return (RatingReason.OTHER, text) if reason is None else (reason, rest.strip())


def _nothing_yet(call: Call) -> Reply:
    return Reply(text=say("no-answer-yet", call.language))
