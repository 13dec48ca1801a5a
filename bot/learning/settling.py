"""What becomes of what a run trained: into the registry as candidates, then to the stage that was decided. Blocks."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from adapters.errors import AdapterError, MovedError
from adapters.examples import Examples
from adapters.registry import Lineage, Registry
from adapters.registry_state import FORGOTTEN
from adapters.types import AdapterVersion, Stage, Task
from bot.learning.settings import LearningSettings
from bot.learning.types import TaskResult, Verdict, detail_of
from bot.learning.verdicts import reason_lines
from bot.store.runs import Run
from bot.texts import FALLBACK

LOGS, PICTURES = "logs", "pictures"  # below the training folder
RUN = "run-"  # and its number: what a run's folders are called

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """Versions on their way from the training process into service."""

    registry: Registry
    settings: LearningSettings
    folder: Path  # for pictures
    trainable: Callable[[], Collection[Task]]
    code: str  # version of the program

    def must_go(self) -> tuple[AdapterVersion, ...]:
        """What serves everybody and learned from somebody who is forgotten since."""
        known = (one for task in self.trainable() for one in self.registry.versions(task))  # none that is torn
        return tuple(one for one in known if one.stage is Stage.ACTIVE and one.stale)

    # -- into the registry

    def registered(
        self, run: Run, results: Sequence[TaskResult], examples: Examples, to_replace: Sequence[AdapterVersion]
    ) -> tuple[TaskResult, ...]:
        """Add what was trained as candidates; nobody is quoted where somebody was forgotten meanwhile.

        Args:
            run: That trained it.
            results: As the training process gave them.
            examples: That it was given.
            to_replace: What had to go before the examples were gathered.
        """
        if self.registry.has_forgotten(examples.ratings):
            results = tuple(replace(result, samples=()) for result in results)
        tasks = {version.task for version in to_replace}
        results = tuple(replace(result, must_go=result.task in tasks) for result in results)
        return tuple(self._candidate(run, result) if result.folder else result for result in results)

    def left_behind(self, run: Run) -> tuple[TaskResult, ...]:
        """What is to be settled all the same where a run came to nothing that was begun for what must go."""
        gone = [version.task for version in self.must_go() if version.task in run.tasks]
        return tuple(TaskResult(task=task, verdict=Verdict.NOTHING, must_go=True) for task in gone)

    def _candidate(self, run: Run, result: TaskResult) -> TaskResult:
        lineage = Lineage(
            ratings=result.ratings,
            examples_digest=result.digest,
            parent=result.parent,
            base=result.base,
            code=self.code,
            seed=self.settings.seed,
            run=run.id,
        )
        version = self.registry.add_candidate(result.task, Path(result.folder), lineage=lineage, report=result.report)
        return replace(
            result,
            version=version.name,
            stage=Stage.REJECTED if version.stale else self._stage(result),
            stale=version.stale,
            picture=self._kept_picture(version.name, result.picture),
            folder="",
            report={},
        )

    def _stage(self, result: TaskResult) -> Stage:
        """What becomes of a candidate, as the settings have it."""
        if result.verdict is Verdict.NO_WORSE:
            return Stage.ACTIVE  # at once and for everybody: who is forgotten waits for no admin and no canary
        if result.verdict is not Verdict.BETTER:
            return Stage.REJECTED
        if self.settings.promote == "ask" or (result.must_canary and self.settings.canary == "off"):
            return Stage.CANDIDATE
        return Stage.CANARY if self.settings.canary == "on" else Stage.ACTIVE

    def _kept_picture(self, name: str, picture: str) -> str:
        if not picture:
            return ""
        kept = self.folder / PICTURES / f"{name}.png"
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(picture, kept)
        return str(kept)

    # -- to their stage

    def settled(self, result: TaskResult) -> TaskResult:
        """Give a version the stage that was decided, and let go what must; done before, it changes nothing.

        A version that is damaged since is told of, and nobody waits for it.
        """
        try:
            if result.version and result.stage is not None:
                self._settle(result, result.stage)
        except AdapterError as error:
            _refused(result, error)
            result = replace(result, stage=None, unfit=True)
        try:
            return self._replaced(result) if result.must_go else result
        except AdapterError as error:
            _refused(result, error)
            return result

    def _settle(self, result: TaskResult, stage: Stage) -> None:
        task, name = result.task, result.version
        with suppress(MovedError):  # done before, or an admin was quicker
            if stage is Stage.ACTIVE:
                self.registry.promote(task, name, was=Stage.CANDIDATE)
            elif stage is Stage.CANARY:
                self.registry.canary(task, name, was=Stage.CANDIDATE)
            elif stage is Stage.REJECTED:
                reason = FORGOTTEN if result.stale else " ".join(reason_lines(result.reasons, FALLBACK))
                self.registry.reject(task, name, reason, was=Stage.CANDIDATE)

    def _replaced(self, result: TaskResult) -> TaskResult:
        """Let what served go, whether or not there is something new in its place, and its weights with it."""
        now = self.registry.renounce(result.task)
        self.registry.prune(result.task, None)
        return replace(result, instead="" if now is None or result.stage is Stage.ACTIVE else now.name)

    def reject_all_of(self, run_id: int) -> None:
        """Turn down what a run made that did not come to its end."""
        for task in Task:
            for version in self.registry.versions(task):
                if version.stage is not Stage.CANDIDATE:
                    continue
                lineage = self.registry.lineage(task, version.name)
                if lineage is not None and lineage.run == run_id:
                    with suppress(MovedError):  # an admin was quicker
                        self.registry.reject(
                            task, version.name, "the run that made it was interrupted", was=Stage.CANDIDATE
                        )

    # -- what is kept

    def prune(self, tasks: Collection[Task], kept: Sequence[Run]) -> None:
        """Remove versions that nobody will want back, and the logs and pictures of all runs but some.

        Args:
            tasks: Whose versions.
            kept: The runs whose logs and pictures stay.
        """
        for task in tasks:
            self.registry.prune(task, self.settings.keep_versions)
        logs = {f"{RUN}{run.id}" for run in kept}
        for path in (self.folder / LOGS).glob(f"{RUN}*"):
            if path.name not in logs:
                shutil.rmtree(path, ignore_errors=True)
        pictures = {result.version for run in kept for result in detail_of(run.detail).results}
        for path in (self.folder / PICTURES).glob("*.png"):
            if path.stem not in pictures:
                path.unlink(missing_ok=True)


def _refused(result: TaskResult, error: AdapterError) -> None:
    extra = {"action": "version-refused", "version": result.version or result.task.value, "reason": str(error)}
    log.error("version refused", extra=extra)
