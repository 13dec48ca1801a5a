"""Commands about learning: train, see and choose versions, and when training begins by itself."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from adapters.errors import AdapterError
from adapters.registry import Registry
from adapters.types import AdapterVersion, Stage, Task
from bot.blocking import run_blocking
from bot.buttons import Rows
from bot.buttons import command as command_button
from bot.cards import safe
from bot.commands.base import LOCAL, Call, Reply, Run, spelled, usage, words_of
from bot.learning.dossier import can_go_back, numbers_of, serves
from bot.learning.errors import LearningError, PausedError, PlanError, RunningError
from bot.learning.loop import LearningLoop, LoopState, of_the_clock
from bot.learning.report import progress_text, report_buttons, report_text, task_name
from bot.learning.settings import LearningSettings
from bot.learning.types import ALL_TASKS, Cause, task_of
from bot.store.runs import Asker
from bot.store.runs import Run as TrainingRun
from bot.texts import say
from bot.types import Place, StoredMessage

NUMBERS = 12  # of a report that are shown
CANCELS = "`retrain cancel`"  # where it is not known how a command is spelled there

log = logging.getLogger(__name__)


class Preview(Protocol):
    """What would be learned now; blocks. bot.wiring_learning has it."""

    def __call__(self, language: str, in_detail: bool, tasks: Sequence[Task] = ALL_TASKS) -> str:  # noqa: FBT001 - others call it so
        """Say it, with questions and names of people if that is wanted, and what a run of these tasks would come to."""


class Follows(Protocol):
    """Shows how far a run is in the reply to a message; bot.learning.board."""

    def follow(self, stored: StoredMessage, run: TrainingRun, language: str) -> None:
        """Show it until the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """What the commands work with."""

    loop: LearningLoop
    registry: Registry
    settings: LearningSettings
    preview: Preview
    board: Follows


class LearningCommands:
    """`retrain`, `versions`, `promote`, `rollback`, `schedule`, `pause`, `resume`."""

    def __init__(self, learning: Learning) -> None:
        self._loop = learning.loop
        self._registry = learning.registry
        self._settings = learning.settings
        self._preview = learning.preview
        self._board = learning.board

    @property
    def runs(self) -> Mapping[str, Run]:
        """What carries out which command."""
        return {
            "retrain": self.retrain,
            "versions": self.versions,
            "promote": self.promote,
            "rollback": self.rollback,
            "schedule": self.schedule,
            "pause": self.pause,
            "resume": self.resume,
        }

    # -- training

    async def retrain(self, call: Call) -> Reply:
        """Train, show what would be learned, or stop a run."""
        wish = call.arguments.lower().replace("-", " ").split()
        if wish == ["cancel"]:
            return await self._cancel(call)
        dry_run = wish[-2:] == ["dry", "run"]
        tasks = _tasks(wish[:-2] if dry_run else wish)
        if not tasks:
            return usage(call, "retrain")
        if dry_run:
            in_detail = call.stored.message.origin.place is Place.DIRECT  # names are for admins, not for a group
            return Reply(text=await run_blocking(self._preview, call.language, in_detail, tasks))
        return await self._train(call, tasks)

    async def _train(self, call: Call, tasks: Sequence[Task]) -> Reply:
        message = call.stored.message
        asker = Asker(user_id=call.person.id, platform=message.platform, channel=message.channel, thread=message.thread)
        try:
            run = await self._loop.retrain(tasks, cause=Cause.ASKED, asker=asker)
        except RunningError:
            text = say("retrain-running", call.language, cancel=spelled(call, "retrain", "cancel"))
            return Reply(text=text, refused=True, did="a run is going on")
        except PausedError:
            text = say("retrain-paused", call.language, resume=spelled(call, "resume"))
            return Reply(text=text, refused=True, did="learning is paused")
        except LearningError:
            return Reply(text=say("retrain-elsewhere", call.language), refused=True, did="the model runs elsewhere")
        started = say(
            "retrain-started",
            call.language,
            run=str(run.id),
            tasks=", ".join(task_name(task, call.language) for task in tasks),
            cancel=spelled(call, "retrain", "cancel"),
        )
        did = f"run {run.id}: {' '.join(tasks)}"
        if message.platform == LOCAL:
            return await self._attend(call, run, started, did)
        self._board.follow(call.stored, run, call.language)
        return Reply(text=started, did=did)

    async def _attend(self, call: Call, run: TrainingRun, started: str, did: str) -> Reply:
        """At the terminal one waits for the end: nobody else is kept waiting, and no message can be edited."""
        text, said = started, ""
        call.tell(text)
        while (step := await self._loop.moved(run.id)) is not None:
            now = progress_text(run.id, step, call.language)
            if now != said:
                said, text = now, f"{text}\n{now}"
                call.tell(text)
        ended = await self._loop.wait(run.id)
        if ended is None:
            return Reply(text=text, did=did)
        report = report_text(*ended, call.language)
        return Reply(text=report, buttons=report_buttons(ended[1], call.language), did=did)

    async def _cancel(self, call: Call) -> Reply:
        run = await self._loop.cancel()
        if run is None:
            return Reply(text=say("retrain-nothing-to-cancel", call.language))
        return Reply(text=say("retrain-cancelling", call.language, run=str(run.id)), did=f"cancel run {run.id}")

    # -- versions

    async def versions(self, call: Call) -> Reply:
        """List the versions, show or compare some, or turn one down."""
        word, rest = words_of(call.arguments)
        names = rest.lower().split()
        acts: dict[tuple[str, int], Callable[..., Awaitable[Reply]]] = {
            ("show", 1): self._show,
            ("diff", 2): self._diff,
            ("keep-old", 1): self._keep_old,
        }
        if not word:
            return await self._list(call)
        if (act := acts.get((word, len(names)))) is None:
            return usage(call, "versions")
        try:
            return await act(call, *names)
        except (AdapterError, LearningError) as error:
            return await self._refused(call, names[0], error)

    async def _list(self, call: Call) -> Reply:
        found = await run_blocking(lambda: [one for task in Task for one in self._registry.versions(task)])
        if not found:
            return Reply(text=say("versions-none", call.language))
        lines = [f"- {_line(version, call.language)}" for version in found]
        return Reply(text="\n".join([f"**{say('versions-title', call.language)}**", *lines]))

    async def _show(self, call: Call, name: str) -> Reply:
        task, language = task_of(name), call.language
        version, lineage, report = await run_blocking(
            lambda: (
                self._registry.version(task, name),
                self._registry.lineage(task, name),
                self._registry.report(task, name),
            )
        )
        lines = [f"**{_line(version, language)}**"]
        if lineage is None:
            lines.append(say("version-came-along", language))
        else:
            parent = lineage.parent or say("version-parent-none", language)
            run = str(lineage.run or "-")
            lines.append(say("version-from", language, ratings=len(lineage.ratings), parent=parent, run=run))
        if version.reason:
            lines.append(say("version-reason", language, reason=safe(version.reason)))
        lines += [f"- {safe(key)}: {value}" for key, value in numbers_of(report or {})[:NUMBERS]]
        return Reply(text="\n".join(lines), buttons=_choices(version, language))

    async def _diff(self, call: Call, first: str, second: str) -> Reply:
        if task_of(first) is not task_of(second):
            return usage(call, "versions")
        found = await run_blocking(self._registry.diff, task_of(first), first, second)
        title = f"**{say('diff-title', call.language, first=safe(first), second=safe(second))}**"
        lines = [f"- {safe(one.what)}: {safe(one.first) or '-'} → {safe(one.second) or '-'}" for one in found]
        return Reply(text="\n".join([title, *(lines or [say("diff-none", call.language)])]))

    async def _keep_old(self, call: Call, name: str) -> Reply:
        if await run_blocking(serves, self._registry, name):
            back = command_button(say("button-keep-old", call.language), "rollback", task_of(name).value)
            text = say("kept-old-serves", call.language, version=name)
            return Reply(text=text, buttons=((back,),), refused=True, did=f"{name} serves")
        version = await run_blocking(self._registry.version, task_of(name), name)
        if version.stage not in {Stage.CANDIDATE, Stage.CANARY}:
            key = "kept-old-before" if version.stage is Stage.REJECTED else "kept-old-retired"
            return Reply(text=say(key, call.language, version=name), refused=True, did=f"{name} waits for nothing")
        await self._loop.keep_old(name)
        return Reply(text=say("kept-old", call.language, version=name), did=f"turn {name} down")

    async def promote(self, call: Call) -> Reply:
        """Let a version serve."""
        name = call.arguments.lower().strip()
        if not name:
            return usage(call, "promote")
        try:
            if await run_blocking(serves, self._registry, name):
                return Reply(
                    text=say("promoted-before", call.language, version=name), refused=True, did=f"{name} serves"
                )
            version = await self._loop.promote(name)
        except (AdapterError, LearningError) as error:
            return await self._refused(call, name, error)
        back = command_button(say("button-keep-old", call.language), "rollback", version.task.value)
        text = say("promoted", call.language, version=version.name)
        return Reply(text=text, buttons=((back,),), did=version.name)

    async def rollback(self, call: Call) -> Reply:
        """Go back to the version that served before."""
        wish = call.arguments.lower().strip()
        served = await run_blocking(lambda: [task for task in Task if can_go_back(self._registry, task)])
        task = Task(wish) if wish in set(Task) else served[0] if not wish and len(served) == 1 else None
        if task is None and not wish and served:
            rows = tuple((command_button(task_name(one, call.language), "rollback", one.value),) for one in served)
            return Reply(text=say("rollback-which", call.language), buttons=rows)
        if task is None and wish:
            return usage(call, "rollback")
        if task is None or task not in served:
            return Reply(text=say("rollback-nothing", call.language), refused=True, did="there is no version before")
        try:
            now = await self._loop.rollback(task)
        except AdapterError as error:
            return await self._refused(call, task.value, error)
        if now is None:
            return Reply(text=say("rolled-back-to-first", call.language), did=f"roll {task.value} back")
        return Reply(text=say("rolled-back", call.language, version=now.name), did=f"roll back to {now.name}")

    # -- when

    async def schedule(self, call: Call) -> Reply:
        """Say or set when training begins by itself."""
        wish = call.arguments.lower().strip()
        if wish in {"", "show"}:
            state = await self._loop.state()
            lines = schedule_lines(state, self._settings, call.language, resume=spelled(call, "resume"))
            return Reply(text="\n".join(lines))
        try:
            plan = await self._loop.schedule(wish)
        except PlanError as error:
            why = say(f"schedule-no-{error.fault.value}", call.language, given=safe(error.given), most=error.most)
            return Reply(text=f"{why} {usage(call, 'schedule').text}", refused=True, did="no plan")
        return Reply(text=plan_line("schedule-set", plan, self._settings, call.language), did=plan)

    async def pause(self, call: Call) -> Reply:
        """Train nothing until `resume`."""
        await self._loop.pause()
        return Reply(text=say("paused", call.language, resume=spelled(call, "resume")))

    async def resume(self, call: Call) -> Reply:
        """Train again."""
        await self._loop.resume()
        return Reply(text=say("resumed", call.language))

    async def status_lines(self, language: str) -> Sequence[str]:
        """What /status says of the learning: a run that goes on, when the next one may begin, what is tried out."""
        state = await self._loop.state()
        canaries = await run_blocking(lambda: [one for task in Task if (one := self._registry.canary_of(task))])
        running = state.running
        lines = [] if running is None else [say("status-running", language, run=str(running.id), cancel=CANCELS)]
        lines += schedule_lines(state, self._settings, language)
        return [*lines, *(say("status-canary", language, version=one.name) for one in canaries)]

    async def _refused(self, call: Call, name: str, error: Exception) -> Reply:
        """Say that there is no such version, or that it cannot be used; the log has the reason with its paths."""
        versions = spelled(call, "versions")
        known = await run_blocking(
            lambda: {one.name: one.stale for task in Task for one in self._registry.versions(task)}
        )
        if name not in {*known, *Task}:
            text = say("version-unknown", call.language, versions=versions)
            return Reply(text=text, refused=True, did="no such version")
        if known.get(name):
            text = say("version-forgotten", call.language, version=safe(name), versions=versions)
            return Reply(text=text, refused=True, did=f"{name} learned from somebody who is forgotten")
        log.warning("version refused", extra={"action": "version-refused", "version": name, "reason": str(error)})
        text = say("version-unfit", call.language, version=safe(name), versions=versions)
        return Reply(text=text, refused=True, did=f"{name} cannot be used")


def schedule_lines(
    state: LoopState, settings: LearningSettings, language: str, *, resume: str = "`resume`"
) -> list[str]:
    """When training begins by itself.

    Args:
        state: Of the loop.
        settings: With the quiet hours and the time zone.
        language: In which to say it.
        resume: How learning is resumed, as Markdown.
    """
    lines = [plan_line("schedule-is", state.plan, settings, language)]
    if state.next_run is not None and of_the_clock(state.plan):
        lines.append(say("schedule-next", language, time=local_time(state.next_run, settings)))
    if settings.quiet_hours:
        lines.append(say("schedule-quiet", language, quiet=settings.quiet_hours))
    if state.paused:
        lines.append(say("schedule-paused", language, resume=resume))
    return lines


def local_time(moment: datetime, settings: LearningSettings) -> str:
    """A time as the team's clocks show it."""
    return f"{moment.astimezone(ZoneInfo(settings.timezone)):%Y-%m-%d %H:%M}"


def plan_line(key: str, plan: str, settings: LearningSettings, language: str) -> str:
    """A plan in a sentence: "schedule-is" or "schedule-set"; of one that counts, no clock is named."""
    if plan == "off":
        return say("schedule-off", language)
    if not of_the_clock(plan):
        return say(f"{key}-counted", language, plan=_in_words(plan, language))
    return say(key, language, plan=_in_words(plan, language), zone=settings.timezone)


def _in_words(plan: str, language: str) -> str:
    """A plan that is not "off" as people of a language say it."""
    kind, *rest = plan.split()
    return say("schedule-words", language, kind=kind, day=rest[0], time=rest[-1], count=rest[0])


def _tasks(wish: Sequence[str]) -> tuple[Task, ...]:
    """The tasks that are named; all for none; empty for nonsense."""
    if wish in ([], ["all"]):
        return ALL_TASKS
    if not set(wish) <= set(Task):
        return ()
    return tuple(task for task in ALL_TASKS if task in wish)


def _line(version: AdapterVersion, language: str) -> str:
    line = say(
        "version-line",
        language,
        version=version.name,
        stage=say(f"stage-{version.stage.value}", language),
        made=f"{version.created_at.astimezone(UTC):%Y-%m-%d}",
    )
    return f"{line} · {say('version-stale', language)}" if version.stale else line


def _choices(version: AdapterVersion, language: str) -> Rows:
    label = say("button-promote-version", language, version=version.name)
    promote = command_button(label, "promote", version.name)
    if version.stage in {Stage.CANDIDATE, Stage.CANARY}:
        keep = command_button(say("button-keep-old", language), "versions", f"keep-old {version.name}")
        return ((promote, keep),)
    return () if version.stage is Stage.ACTIVE else ((promote,),)
