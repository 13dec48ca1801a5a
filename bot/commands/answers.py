"""Commands about the last answer: why, sources, rate, and the right answer that somebody was asked for."""

from __future__ import annotations

from collections.abc import Mapping

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

_VALUES = {
    "up": RatingValue.UP,
    "👍": RatingValue.UP,
    "+": RatingValue.UP,
    "down": RatingValue.DOWN,
    "👎": RatingValue.DOWN,
    "-": RatingValue.DOWN,
}


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
        return _nothing_yet(call) if stored is None else Reply(text=explanation(stored, call.language))

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


def explanation(stored: StoredAnswer, language: str) -> str:
    """Why an answer is as it is, as Markdown."""
    answer, trace = stored.answer, stored.answer.trace
    facts = [
        ("why-answer", f"#{stored.id} · {came_about(answer.kind, answer.outcome, language)}"),
        ("why-because", safe(trace.reason)),
        ("why-searched", safe(trace.query) if trace.query != stored.question else ""),
        ("why-scores", " · ".join(f"{name} {value:.2f}" for name, value in trace.scores.items())),
        ("why-versions", " · ".join(f"{task} `{name}`" for task, name in trace.versions.items())),
        ("why-times", " · ".join(f"{step} {value:,.0f} ms" for step, value in trace.timings_ms.items())),
    ]
    if trace.intent is not None:
        intent = trace.intent
        said = f"{safe(intent.label)} · {intent.confidence:.2f} · {intent.in_scope:.2f}"
        facts.insert(3, ("why-intent", said))
    lines = [f"- **{say(key, language)}** {text}" for key, text in facts if text]
    if trace.passages:
        lines += ["", f"**{say('why-passages', language)}**"]
        lines += [
            f"{number}. {_passage(passage, language)}"
            for number, passage in enumerate(trace.passages[:PASSAGES], start=1)
        ]
    return "\n".join(lines)


def came_about(kind: AnswerKind, outcome: Outcome, language: str) -> str:
    """How a question ended and where the answer's words come from."""
    ended = say(f"outcome-{outcome.value.replace(' ', '-')}", language)
    return f"{ended} · {say(f'kind-{kind.value}', language)}"


def _passage(passage: TracedPassage, language: str) -> str:
    used = f" · **{say('why-used', language)}**" if passage.used else ""
    return f"{safe(passage.title)} · {passage.similarity:.3f} · {passage.lexical:.2f} · {passage.fused:.4f}{used}"


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
