"""The composition root of the training process: trains a candidate, and has it judged beside what serves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from adapters.device import computing_with
from adapters.examples import Example, Examples, RatingId
from adapters.layout import read_manifest
from adapters.types import AdapterVersion, Stage, Task
from bot.errors import BotError
from bot.intent_rows import kept_rows
from bot.learning.comparing import Questions, Seen, side_by_side
from bot.learning.held_out import rater_of, to_ask
from bot.learning.live import Versions
from bot.learning.near import Sides, rated_questions
from bot.learning.regression import load_suite
from bot.learning.suite_memory import SuiteMemory, folder_digest, key_of
from bot.learning.types import Job, Phase, Sample, TaskResult, Verdict
from bot.learning.worker import Tell
from bot.store.store import Store
from bot.wiring import Wiring, example_folder
from bot.wiring_eval import WHAT_SERVES, Comparer
from bot.wiring_ground import ground_of, inherited
from bot.wiring_retrieval import RetrievalTraining
from training.errors import TrainingError
from training.feedback_intent import IntentGround
from training.gate import GateConfig, Reason, ReasonCode, decide, decide_renewal
from training.ground import Ground
from training.paired import Pair, PairedReport
from training.plots import plot_learning
from training.report import Report, as_json, make_report
from training.splits import kept_back
from training.types import Candidate, OnTrainStep, TrainConfig, TrainStep

CANDIDATE = "candidate"  # what a version is called before it is in the registry


class LocalLearner:
    """Trains and judges in this process; bot.learning.worker.Learner."""

    def __init__(self, wiring: Wiring, store: Store, job: Job) -> None:
        """Load the encoder.

        Args:
            wiring: Of the settings.
            store: Holds the team's knowledge.
            job: Whose folder is worked in.
        """
        self._wiring = wiring
        self._store = store
        self._job = job
        self._comparer = Comparer(wiring, store, Path(job.folder) / "suite")
        self._of_retrieval = RetrievalTraining(wiring=wiring, store=store, job=job)
        self._seen: Seen | None = None  # of what serves

    def learn(self, task: Task, examples: Examples, folder: Path, *, seed: int, tell: Tell) -> TaskResult:
        """Train a task's candidate, and compare it with what serves."""

        def on_step(step: TrainStep) -> None:
            tell(Phase.TRAIN, step.step, step.steps)

        candidate = self._train(task, examples, folder, seed, on_step)
        if candidate.metrics.get("parts") == 0:  # every part of it is as it was
            reasons = self._left_out(candidate)
            return TaskResult(task=task, verdict=Verdict.NOTHING, examples=candidate.examples, reasons=reasons)
        report = self._judge(candidate, tell, seed=seed)
        tell(Phase.DRAW, 0, 1)
        picture = _drawn(candidate, report, folder.with_suffix(".png"))
        used = used_for(task, examples)
        ratings = tuple(sorted({rating for one in used for rating in one.ratings}))
        return TaskResult(
            task=task,
            verdict=self._verdict(task) if report.decision.promote else Verdict.NOT_BETTER,
            examples=candidate.examples,
            people=len({rater_of(rating) for rating in ratings}),
            must_canary=report.decision.canary_required,
            reasons=(*report.decision.reasons, *self._left_out(candidate)),
            samples=tuple(Sample(question=one.question, before=one.before, after=one.after) for one in report.examples),
            seconds=candidate.seconds,
            folder=str(candidate.folder),
            picture=picture,
            parent=self._ground.parent_name if task is Task.GENERATOR else self._parent(task),
            base=_version(candidate).base,
            ratings=tuple(sorted({*ratings, *self._inherited(task)})),
            digest=examples.digest,
            # texts are people's, and the registry is not encrypted
            report=as_json(report, texts=False) | {"training": dict(candidate.metrics)},
        )

    # -- training

    def _train(self, task: Task, examples: Examples, folder: Path, seed: int, on_step: OnTrainStep) -> Candidate:
        trainers: dict[Task, Callable[[Examples, Path, int, OnTrainStep], Candidate]] = {
            Task.INTENT: self._intent,
            Task.RETRIEVAL: self._retrieval,
            Task.GENERATOR: self._generator,
        }
        if task is Task.GENERATOR:
            _ = self._ground  # looked up first: it may load an encoder, which sets the threads anew
        with computing_with(self._wiring.settings.learning.threads):
            return trainers[task](examples, folder, seed, on_step)

    def _intent(self, examples: Examples, folder: Path, seed: int, on_step: OnTrainStep) -> Candidate:
        from training.feedback_intent import train_intent_on_feedback

        return train_intent_on_feedback(
            examples,
            self._intent_ground(),
            self._wiring.encoder,
            folder,
            TrainConfig(seed=seed),
            now=datetime.now(UTC),
            on_step=on_step,
        )

    def _intent_ground(self) -> IntentGround:
        """What the classifier was made of that ratings are learned on top of."""
        from training.feedback_intent import IntentGround

        classifier = self._wiring.classifier()
        trained = kept_rows(self._wiring.folders.intents, classifier.name)
        if trained is None:
            return IntentGround(definitions=self._wiring.definitions)
        definitions = self._wiring.definitions if trained.builtin else ()
        return IntentGround(definitions=definitions, rows=trained.rows, kept=classifier)

    def _retrieval(self, _examples: Examples, folder: Path, seed: int, on_step: OnTrainStep) -> Candidate:
        return self._of_retrieval.train(folder, seed=seed, on_step=on_step)

    def _generator(self, examples: Examples, folder: Path, seed: int, on_step: OnTrainStep) -> Candidate:
        from training.feedback_generator import FeedbackConfig, train_generator_on_feedback

        return train_generator_on_feedback(
            examples,
            self._ground,
            folder,
            FeedbackConfig(seed=seed),
            now=datetime.now(UTC),
            logs=self._wiring.folders.training / "logs" / f"run-{self._job.run}",
            on_step=on_step,
        )

    def _left_out(self, candidate: Candidate) -> tuple[Reason, ...]:
        """What was not tried, and why."""
        if "chunks too many" not in candidate.metrics:
            return ()
        most = self._wiring.settings.learning.max_encoded_chunks
        values = {"chunks": candidate.metrics["chunks too many"], "most": most}
        return (Reason(code=ReasonCode.NOT_ENCODED, values=values),)

    @cached_property
    def _ground(self) -> Ground:
        return ground_of(self._wiring, self._versions[Task.GENERATOR])

    def _inherited(self, task: Task) -> tuple[RatingId, ...]:
        return inherited(self._wiring.registry, self._ground.parent_name) if task is Task.GENERATOR else ()

    # -- judging

    def _judge(self, candidate: Candidate, tell: Tell, *, seed: int) -> Report:
        before = self._before(tell)
        after = self._see(
            {**self._versions, candidate.task: _version(candidate)},
            tell,
            half=1,
            margins=candidate.task is Task.GENERATOR,
        )
        paired = unseen_by(candidate.task, side_by_side(self._questions, before, after))
        if candidate.task is Task.RETRIEVAL:  # it is trained in seconds, the others in minutes or from too little
            paired = replace(paired, in_turn=self._in_turn(candidate, tell))
        rule = decide_renewal if self._must_go(candidate.task) else decide
        decision = rule(paired, rng=np.random.default_rng(seed))
        against = self._parent(candidate.task) or WHAT_SERVES
        return make_report(paired, decision, task=candidate.task, candidate=CANDIDATE, against=against)

    def _in_turn(self, candidate: Candidate, tell: Tell) -> tuple[Pair, ...]:
        learned = (*self._sides.train, *self._sides.dev)
        progress = partial(tell, Phase.REPLAY)
        return self._of_retrieval.in_turn(
            candidate,
            learned,
            self._versions,
            as_version=_version,
            lines=self._comparer.lines,
            progress=progress,
        )

    def _must_go(self, task: Task) -> bool:
        """Whether what serves learned from somebody who is forgotten since."""
        serving = self._versions[task]
        return serving is not None and serving.stale

    def _verdict(self, task: Task) -> Verdict:
        return Verdict.NO_WORSE if self._must_go(task) else Verdict.BETTER

    def _before(self, tell: Tell) -> Seen:
        """What serves now makes of the questions; asked once for all tasks of the job."""
        if self._seen is None:
            self._seen = self._see(self._versions, tell, half=0, margins=Task.GENERATOR in self._job.tasks)
        return self._seen

    def _see(self, versions: Versions, tell: Tell, *, half: int, margins: bool) -> Seen:
        """Ask a set of versions.

        Args:
            versions: Who is asked.
            tell: Told how far it is.
            half: Of all the asking: 0 for the first, 1 for the second.
            margins: Whether likelihoods are told: they tell of a generator's candidate alone.
        """
        key, cases = self._suite_key(versions), len(self._questions.suite)
        known = self._suites.held(key, cases=cases)
        asked = self._questions if known is None else replace(self._questions, suite=())

        def asking(done: int, of: int) -> None:
            tell(Phase.REPLAY, half * of + done, 2 * of)

        seen = asyncio.run(self._comparer.see(versions, asked, asking, margins=margins))
        if known is not None:
            return replace(seen, suite=known)
        self._suites.keep(key, seen.suite)
        return seen

    @cached_property
    def _suites(self) -> SuiteMemory:
        return SuiteMemory(path=self._wiring.folders.training / "suite.json")

    def _suite_key(self, versions: Versions) -> str:
        served = [(task.value, one.fingerprint if one is not None else "") for task, one in versions.items()]
        return key_of([*self._suite_ground, *sorted(served)])

    @cached_property
    def _suite_ground(self) -> tuple[object, ...]:
        """What decides about the suite beside the versions."""
        wiring = self._wiring
        settings = wiring.settings
        return (
            version("burnish"),
            wiring.encoder.name,
            wiring.classifier().name,
            wiring.definitions,
            load_suite(),
            folder_digest(example_folder()),
            settings.models.generator,
            settings.answers,
            settings.intents,
            settings.knowledge,
        )

    @cached_property
    def _questions(self) -> Questions:
        test, dev = to_ask(self._sides.test, self._sides.dev, needed=GateConfig().min_questions)
        return Questions(test=test, dev=dev, suite=load_suite().cases)

    @cached_property
    def _sides(self) -> Sides:
        return rated_questions(self._job.examples, self._store.knowledge.load_chunks(), self._wiring.encoder.encode)

    @cached_property
    def _versions(self) -> Versions:
        """What serves now."""
        return self._comparer.versions()

    def _parent(self, task: Task) -> str:
        serving = self._versions[task]
        return serving.name if serving is not None else ""


def unseen_by(task: Task, paired: PairedReport) -> PairedReport:
    """What can speak for a task's candidate: a generator's training was stopped by the dev side, others learn it."""
    return paired if task is Task.GENERATOR else replace(paired, dev=())


def used_for(task: Task, examples: Examples) -> tuple[Example, ...]:
    """The examples that a task may learn from: those of its kind, but for the side that decides."""
    kinds: dict[Task, tuple[Example, ...]] = {
        Task.INTENT: examples.intents,
        Task.RETRIEVAL: (*examples.links, *examples.verdicts, *examples.answers),
        Task.GENERATOR: examples.answers,
    }
    return tuple(one for one in kinds[task] if not kept_back(one.question))


def _drawn(candidate: Candidate, report: Report, picture: Path) -> str:
    """The picture's path; "" where nothing was measured that could be drawn."""
    title = f"{candidate.task.value}: what {candidate.examples} examples brought"
    try:
        plot_learning(candidate.curve, report.parts, picture, title=title, names=(report.against, CANDIDATE))
    except TrainingError:
        return ""
    return str(picture)


def _version(candidate: Candidate) -> AdapterVersion:
    """A candidate as a version that is not in the registry yet."""
    manifest = read_manifest(candidate.folder)
    if manifest is None:
        raise BotError(f"What was trained for the {candidate.task.value} is not complete.")
    return AdapterVersion(
        task=candidate.task,
        name=CANDIDATE,
        number=0,
        stage=Stage.CANDIDATE,
        folder=candidate.folder,
        base=manifest.base,
        fingerprint=manifest.fingerprint,
        source=manifest.source,
        created_at=datetime.fromisoformat(manifest.created_at),
    )
