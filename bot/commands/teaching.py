"""Commands that put answers in force: teach, the list of unanswered questions, and the report with its corrections."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.blocking import run_blocking
from bot.buttons import Rows
from bot.buttons import command as command_button
from bot.cards import safe
from bot.commands.answers import came_about
from bot.commands.base import Call, Reply, Run, number_of, spelled, usage, words_of
from bot.curation import Curation, Group, Kept, question_of
from bot.handoff import quoted
from bot.store.expectations import Expectation
from bot.store.ratings import Proposal
from bot.store.store import Store
from bot.texts import say
from bot.types import Outcome, Place, RatingValue, StoredAnswer, Wanted

PAGE = 5  # groups of questions, or corrections, shown at once
WAIT_MINUTES = 30  # for an admin's answer
DAYS, MOST_DAYS = 7, 365  # of a report
Z95 = 1.959964  # the normal distribution's 97.5 % quantile


class Teaching:
    """Curated answers, taught in words or in reply to what nobody could answer."""

    def __init__(self, store: Store, curation: Curation) -> None:
        self._store = store
        self._curation = curation

    @property
    def runs(self) -> Mapping[str, Run]:
        """What carries out which command."""
        return {
            "teach": self.teach,
            "unteach": self.unteach,
            "curated": self.curated,
            "kept": self.kept,
            "unanswered": self.unanswered,
        }

    async def teach(self, call: Call) -> Reply:
        """Keep a curated answer: `question | answer`."""
        question, _, answer = call.arguments.replace("｜", "|", 1).partition("|")
        if not question.strip() or not answer.strip():
            return usage(call, "teach")
        return await self.keep(call, question.strip(), answer.strip())

    async def keep(self, call: Call, question: str, answer: str) -> Reply:
        """Put an answer in force and say what it replaced."""
        return taught(call, await run_blocking(self._curation.keep, question, answer))

    async def unteach(self, call: Call) -> Reply:
        """Take a curated answer back."""
        number = number_of(call.arguments)
        taken = await run_blocking(self._curation.take_back, number)
        if taken is None:
            return Reply(text=say("unteach-nothing", call.language))
        text = say("untaught", call.language, question=safe(taken.question))
        if taken.again:
            text = f"{text}\n\n{say('untaught-again', call.language)}\n{quoted(taken.again)}"
        return Reply(text=text, did=f"written answer {number}")

    async def curated(self, call: Call) -> Reply:
        """Keep the answer that an admin was asked for, and take its question off the list with all like it."""
        about = await run_blocking(self._store.answers.get, call.stored.message.origin.subject)
        if about is None or not call.arguments:
            return Reply(text=say("curated-of-nothing", call.language))
        reply = taught(call, await run_blocking(self._curation.answer, about, call.arguments))
        return replace(reply, did=f"answer {about.id}: {reply.did}")

    async def kept(self, call: Call) -> Reply:
        """Keep what people replied to an asker, as an admin has changed it."""
        handoff = await run_blocking(self._store.handoffs.get, call.stored.message.origin.subject)
        if handoff is None or not call.arguments:
            return Reply(text=say("curated-of-nothing", call.language))
        reply = await self.keep(call, handoff.question, call.arguments)
        return replace(reply, did=f"handoff {handoff.id}: {reply.did}")

    async def unanswered(self, call: Call) -> Reply:
        """List the questions without an answer, take one up, or drop it."""
        word, rest = words_of(call.arguments)
        if word in {"answer", "drop"}:
            about = await run_blocking(self._store.answers.get, number_of(rest))
            if about is None:
                return Reply(text=say("unanswered-gone", call.language))
            return await (self._take_up(call, about) if word == "answer" else self._drop(call, about))
        page = number_of(call.arguments) or 1
        if call.arguments and not number_of(call.arguments):
            return usage(call, "unanswered")
        groups = await run_blocking(self._curation.groups)
        return _listed(call, groups, page)

    async def _take_up(self, call: Call, about: StoredAnswer) -> Reply:
        message = call.stored.message
        if message.origin.place is not Place.DIRECT and not message.origin.unseen:  # others would read the question
            command = spelled(call, "unanswered", f"answer {about.id}")
            return Reply(text=say("command-elsewhere", call.language, command=command))
        await run_blocking(
            self._store.expectations.expect,
            message.platform,
            message.channel,
            message.thread,
            call.person.id,
            Expectation(kind=Wanted.CURATED, subject=about.id),
            minutes=WAIT_MINUTES,
        )
        did = f"take up answer {about.id}"
        text = say("unanswered-write", call.language, minutes=WAIT_MINUTES)
        if message.origin.place is not Place.DIRECT:
            text += " " + say("unanswered-write-group", call.language)
        cancel = command_button(say("button-cancel", call.language), "cancel")
        return Reply(text=f"{text}\n\n{quoted(question_of(about))}", buttons=((cancel,),), did=did)

    async def _drop(self, call: Call, about: StoredAnswer) -> Reply:
        alike = await run_blocking(self._curation.settle, about.id)
        text = say("unanswered-dropped", call.language, questions=len(alike))
        return Reply(text=text, did=f"drop answers {', '.join(map(str, alike))}")


class Reports:
    """How the answers are doing, and the corrections that wait."""

    def __init__(
        self, store: Store, curation: Curation, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._curation = curation
        self._now = now

    @property
    def runs(self) -> Mapping[str, Run]:
        """What carries out which command."""
        return {"report": self.report}

    async def report(self, call: Call) -> Reply:
        """Report on some days, or decide about a correction."""
        word, rest = words_of(call.arguments)
        if word in {"approve", "reject"}:
            return await self._decide(call, number_of(rest), approved=word == "approve")
        days = number_of(word) if word else DAYS
        if not 1 <= days <= MOST_DAYS:
            return usage(call, "report")
        text = await run_blocking(self._text, call.language, days)
        proposals = await run_blocking(self._store.ratings.proposed, PAGE)
        if proposals:
            text = "\n\n".join([text, say("report-corrections", call.language), *map(_proposal, proposals)])
        other = () if days != DAYS else ((command_button(say("button-month", call.language), "report", "30"),),)
        return Reply(text=text, buttons=(*_deciding(call, proposals), *other))

    async def _decide(self, call: Call, correction_id: int, *, approved: bool) -> Reply:
        if not approved:
            if not await run_blocking(self._curation.reject, correction_id):
                return Reply(text=say("correction-decided-before", call.language))
            return Reply(text=say("correction-rejected", call.language), did=f"reject correction {correction_id}")
        kept = await run_blocking(self._curation.approve, correction_id)
        if kept is None:
            return Reply(text=say("correction-decided-before", call.language))
        reply = taught(call, kept)
        text = reply.text
        if kept.elsewhere:
            text = f"{text}\n\n{say('correction-elsewhere', call.language, name=safe(kept.elsewhere))}"
        return Reply(text=text, buttons=reply.buttons, did=f"approve correction {correction_id}: {reply.did}")

    def _text(self, language: str, days: int) -> str:
        """Blocks."""
        since = self._now() - timedelta(days=days)
        counts = self._store.answers.counts(since)
        outcomes = {one: sum(n for (_, outcome), n in counts.items() if outcome is one) for one in Outcome}
        lines = [
            f"**{say('report-title', language, days=days)}**",
            "",
            say(
                "report-questions",
                language,
                questions=sum(counts.values()),
                answered=outcomes[Outcome.ANSWERED],
                abstained=outcomes[Outcome.ABSTAINED],
                handed=self._store.handoffs.count(since),
            ),
        ]
        lines += [
            f"- {came_about(kind, outcome, language)}: {count}" for (kind, outcome), count in sorted(counts.items())
        ]
        tally = self._store.ratings.tally(since)
        lines += ["", _satisfaction(language, tally[RatingValue.UP], tally[RatingValue.DOWN])]
        reasons = sorted(self._store.ratings.reasons(since).items(), key=lambda one: -one[1])
        lines += [f"- {_named(reason.name if reason else '', language)}: {count}" for reason, count in reasons]
        return "\n".join(lines)


def taught(call: Call, kept: Kept) -> Reply:
    """Say that an answer is in force, and what it replaced."""
    text = say("taught-now", call.language, question=safe(kept.question))
    if kept.before:
        text = f"{text}\n\n{say('taught-instead', call.language)}\n{quoted(kept.before)}"
    undo = command_button(say("button-unteach", call.language), "unteach", str(kept.document_id))
    return Reply(text=text, buttons=((undo,),), did=f"written answer {kept.document_id}")


def wilson(good: int, all_: int) -> tuple[float, float]:
    """The 95 % interval of a share, [0, 1] each; (0, 1) if nothing was counted.

    Source: Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953
    """
    if not all_:
        return 0.0, 1.0
    share, square = good / all_, Z95 * Z95
    middle = (share + square / (2 * all_)) / (1 + square / all_)
    half = Z95 * math.sqrt(share * (1 - share) / all_ + square / (4 * all_ * all_)) / (1 + square / all_)
    return max(0.0, middle - half), min(1.0, middle + half)


def _listed(call: Call, groups: Sequence[Group], page: int) -> Reply:
    language = call.language
    if not groups:
        return Reply(text=say("unanswered-none", language))
    pages = math.ceil(len(groups) / PAGE)
    page = min(page, pages)
    shown = groups[(page - 1) * PAGE : page * PAGE]
    lines = [f"**{say('unanswered-title', language, groups=len(groups))}**", ""]
    rows: list[Rows] = []
    for number, group in enumerate(shown, start=(page - 1) * PAGE + 1):
        times = f" ({len(group.answers)}×)" if len(group.answers) > 1 else ""
        lines.append(f"{number}. {safe(group.answers[0].question)}{times}")
        newest = group.answers[0].id
        answer = command_button(say("button-answer", language, number=number), "unanswered", f"answer {newest}")
        drop = command_button(say("button-drop", language, number=number), "unanswered", f"drop {newest}")
        rows.append(((answer, drop),))
    turns = [(page - 1, "button-newer"), (page + 1, "button-older")]
    leaves = tuple(command_button(say(key, language), "unanswered", str(to)) for to, key in turns if 1 <= to <= pages)
    flat = tuple(row for one in rows for row in one)
    return Reply(text="\n".join(lines), buttons=(*flat, leaves) if leaves else flat)


def _proposal(proposal: Proposal) -> str:
    return f"**#{proposal.id}** {safe(proposal.question)}\n{quoted(proposal.text)}"


def _deciding(call: Call, proposals: Sequence[Proposal]) -> Rows:
    return tuple(
        (
            command_button(
                say("button-approve", call.language, number=str(one.id)), "report", f"approve {one.id}", style="primary"
            ),
            command_button(say("button-reject", call.language, number=str(one.id)), "report", f"reject {one.id}"),
        )
        for one in proposals
    )


def _satisfaction(language: str, up: int, down: int) -> str:
    if not up + down:
        return say("report-unrated", language)
    low, high = wilson(up, up + down)
    return say(
        "report-satisfaction",
        language,
        share=round(100 * up / (up + down)),
        up=up,
        rated=up + down,
        low=round(100 * low),
        high=round(100 * high),
    )


def _named(reason: str, language: str) -> str:
    return say(f"reason-{reason.lower().replace('_', '-')}" if reason else "report-no-reason", language)
