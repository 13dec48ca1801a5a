"""What people are told of a run: how far it is, and what came of it (pure, but for keeping the posts)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from adapters.types import Stage, Task
from bot.buttons import Rows
from bot.buttons import command as command_button
from bot.cards import safe
from bot.learning.types import Cause, Phase, RunDetail, Sample, Step, TaskResult, Verdict, detail_of
from bot.learning.verdicts import reason_lines
from bot.store.people import Person
from bot.store.posts import PostBody
from bot.store.runs import Run
from bot.store.schema import RunState
from bot.store.store import Store
from bot.texts import FALLBACK, languages, say
from bot.types import Role

SAMPLES = 3
SAMPLE_CHARACTERS = 160
ADMINS = frozenset({Role.ADMIN, Role.OWNER})
_ENDED = {
    RunState.FAILED: "run-failed",
    RunState.CANCELLED: "run-cancelled",
    RunState.INTERRUPTED: "run-interrupted",
}


def progress_text(run_id: int, step: Step | None, language: str) -> str:
    """How far a run is, in one line."""
    if step is None or step.phase is Phase.LOAD:
        return say("progress-load", language, run=str(run_id))
    percent = percent_of(step)
    return say(
        f"progress-{step.phase.value}",
        language,
        run=str(run_id),
        task=task_name(step.task, language),
        **({} if step.phase is Phase.DRAW else {"percent": percent}),
    )


def percent_of(step: Step) -> int:
    """How much of a phase is done, 0 to 100; 0 where that is not known."""
    return min(100, 100 * step.done // step.total) if step.total else 0


def task_name(task: Task, language: str) -> str:
    """What a task is called."""
    return say(f"task-{task.value}", language)


def _named(task: Task, language: str) -> str:
    """A task, and what it is for."""
    gloss = say(f"task-gloss-{task.value}", language)
    return say("task-named", language, task=task_name(task, language), gloss=gloss)


def report_text(run: Run, detail: RunDetail, language: str) -> str:
    """What came of a run, with questions as examples, as Markdown."""
    return "\n\n".join(filter(None, (outcome_text(run, detail, language), examples_text(detail, language))))


def outcome_text(run: Run, detail: RunDetail, language: str) -> str:
    """What came of a run, without a word of anybody, as Markdown."""
    number = str(run.id)
    if run.state is not RunState.DONE:
        key = _ENDED[run.state]
        reason = {} if run.state is RunState.CANCELLED else {"reason": safe(detail.sentence)}
        gone = [
            say("run-failed-part", language, task=_named(one.task, language), went=_went(one, language))
            for one in detail.results
            if one.must_go
        ]
        return "\n\n".join([say(key, language, run=number, **reason), *gone])
    minutes = _minutes(run.started_at, run.ended_at)
    parts = [say("run-done", language, run=number, minutes=minutes)]
    parts += [_task_text(result, language) for result in detail.results]
    return "\n\n".join(parts)


def _task_text(result: TaskResult, language: str) -> str:
    name = _named(result.task, language)
    went = [f"- {_went(result, language)}"] if result.must_go and result.stage is not Stage.ACTIVE else []
    if result.verdict is Verdict.NOTHING:
        return "\n".join([say("run-nothing", language, task=name, examples=result.examples), *went])
    if result.verdict is Verdict.TOO_FEW:
        missing = result.need - result.have
        few = say("run-too-few", language, task=name, have=result.have, need=result.need, missing=missing)
        return "\n".join([few, *went])
    lines = [say("run-learned", language, task=name, examples=result.examples, people=result.people)]
    if result.stage is not None:
        key = "stale" if result.stale else "replaces" if result.must_go else result.stage.value
        lines.append(f"- {say(f'run-{key}', language, version=result.version)}")
    if result.unfit:
        lines.append(f"- {say('run-unfit', language, version=result.version)}")
    lines += [*went, *(f"- {reason}" for reason in reason_lines(result.reasons, language))]
    return "\n".join(lines)


def _went(result: TaskResult, language: str) -> str:
    """What serves in the place of a version that had to go."""
    if result.instead:
        return say("run-went", language, version=result.instead)
    return say("run-went-first", language)


def outcomes(run: Run, language: str) -> tuple[str, ...]:
    """What came of a run, in a few words for each part; nothing while it goes on."""
    detail = detail_of(run.detail)
    if run.state is not RunState.DONE:
        return (detail.sentence,) if detail.sentence else ()
    return tuple(
        say("outcome", language, task=task_name(one.task, language), outcome=_outcome(one, language))
        for one in detail.results
    )


def _outcome(result: TaskResult, language: str) -> str:
    if result.version:
        stage = Stage.REJECTED if result.stage is None else result.stage
        return say(f"outcome-{stage.value}", language, version=result.version)
    return say("outcome-too-few" if result.verdict is Verdict.TOO_FEW else "outcome-nothing", language)


def examples_text(detail: RunDetail, language: str) -> str:
    """Questions of people with the answers before and after, as Markdown; "" where there are none."""
    parts = [
        "\n".join([say("run-examples", language, task=task_name(result.task, language)), *shown])
        for result in detail.results
        if (shown := [_sample(one, language) for one in result.samples[:SAMPLES]])
    ]
    return "\n\n".join(parts)


def _sample(sample: Sample, language: str) -> str:
    lines = [
        say("run-sample", language, when=say(key, language), answer=safe(_short(answer)))
        for key, answer in (("run-before", sample.before), ("run-after", sample.after))
    ]
    return "\n".join([f"> **{safe(_short(sample.question))}**", *(f"> {line}" for line in lines), ""])


def report_buttons(detail: RunDetail, language: str) -> Rows:
    """What an admin may do about what came of a run."""
    return tuple(row for result in detail.results if result.version for row in _rows(result, language))


def _rows(result: TaskResult, language: str) -> Rows:
    details = command_button(say("button-details", language), "versions", f"show {result.version}")
    label = say("button-promote-version", language, version=result.version)
    promote = command_button(label, "promote", result.version, style="primary")
    if result.stage in {Stage.CANDIDATE, Stage.CANARY}:
        keep = command_button(say("button-keep-old", language), "versions", f"keep-old {result.version}")
        return ((promote, keep, details),)
    if result.stage is Stage.ACTIVE and not result.must_go:  # what it replaced is not gone back to
        back = command_button(say("button-keep-old", language), "rollback", result.task.value)
        return ((back, details),)
    return ((details,),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Keeps reports and notes of thanks as posts, each once however often it is asked to."""

    store: Store
    platforms: Collection[str]  # those on which this store's bot speaks
    language: str  # of whoever chose none; "auto" is English

    def tell(self, run: Run, detail: RunDetail) -> None:
        """Keep the report of a run for everybody who is to have it. Blocks."""
        for person in self._readers(run, detail):
            language = self._language_of(person)
            body = PostBody(
                text=outcome_text(run, detail, language),
                quotes=examples_text(detail, language),
                buttons=report_buttons(detail, language) if person.role in ADMINS else (),
            )
            self._post(f"run:{run.id}:report:{person.id}", body, person)
            for result in detail.results:
                if result.picture:
                    caption = say("run-picture", language, run=str(run.id), task=task_name(result.task, language))
                    body = PostBody(text=caption, picture=result.picture)
                    self._post(f"run:{run.id}:picture:{result.task.value}:{person.id}", body, person)

    def notify(self, key: str, words: Callable[[str], str]) -> None:
        """Keep something for every admin, in words for each language. Blocks."""
        for person in self._admins():
            self._post(f"{key}:{person.id}", PostBody(text=words(self._language_of(person))), person)

    def thank(self, since: datetime) -> int:
        """Tell whoever gave a right answer that was approved since a time that it is live. Blocks.

        Returns:
            How many there are, told now or before.
        """
        fixes = self.store.ratings.fixes(since)
        for fix in fixes:
            language = self._language_of(fix.person)
            text = say("fix-live", language, question=safe(_short(fix.question)))
            if fix.person.platform in self.platforms:
                self._post(f"fix:{fix.correction_id}", PostBody(text="", quotes=text), fix.person)
        return len(fixes)

    def _readers(self, run: Run, detail: RunDetail) -> Sequence[Person]:
        """The admins; whoever asked alone, where there is nothing in it for others; nobody, where nothing was new."""
        asker = self.store.people.get(run.asker.user_id) if run.asker.user_id is not None else None
        trained = any(result.version or result.must_go for result in detail.results)
        if trained or detail.died or run.state is RunState.FAILED:
            found = {person.id: person for person in (*self._admins(), *([asker] if asker else []))}
            return [person for person in found.values() if person.platform in self.platforms]
        wanted = run.cause != Cause.SCHEDULE and asker is not None and asker.platform in self.platforms
        return [asker] if wanted and asker is not None else []

    def _admins(self) -> list[Person]:
        return [one for one in self.store.people.list() if one.role in ADMINS and one.platform in self.platforms]

    def _language_of(self, person: Person) -> str:
        if person.language in languages():
            return person.language
        return FALLBACK if self.language == "auto" else self.language

    def _post(self, key: str, body: PostBody, person: Person) -> None:
        personal = replace(body, person=person.platform_user_id)
        self.store.posts.add(key, personal, platform=person.platform, channel=person.platform_user_id)


def _minutes(began: datetime, ended: datetime | None) -> str:
    return f"{((ended or began) - began).total_seconds() / 60:.1f}"


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= SAMPLE_CHARACTERS else f"{plain[: SAMPLE_CHARACTERS - 1]}…"
