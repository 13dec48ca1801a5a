"""The composition root of comparisons: sets of adapter versions, built to be asked the same questions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from adapters.memory import give_back
from adapters.types import Generator, Task
from bot.blocking import run_blocking
from bot.errors import BotError
from bot.learning.comparing import Questions, Seen, Subject, see, side_by_side
from bot.learning.gathering import Gathering
from bot.learning.held_out import HeldOut
from bot.learning.live import Arm, Versions
from bot.learning.near import rated_questions
from bot.learning.quoting import Silent
from bot.learning.regression import fill, load_suite
from bot.learning.rehearing import Copies, Memory, Rehearing
from bot.learning.replay import Likelihood, how_many_together
from bot.learning.verdicts import points, reason_lines
from bot.looking import LineVectors
from bot.store.store import Store
from bot.wiring import Wiring, example_folder
from bot.wiring_live import Arms, Generators
from knowledge.errors import KnowledgeError
from knowledge.parsers.pairs import parse_csv, parse_json, parse_json_lines
from knowledge.retrieve import KnowledgeBase
from knowledge.testing import MemoryStore
from knowledge.types import Passage
from training.gate import decide
from training.report import Part, Report, as_json, make_report, parts

__all__ = ["Part", "Report", "points", "reason_lines"]

WHAT_SERVES = "what serves"
SEED = 0  # of the gate's resamples: the same answers give the same decision


class _Rehearing(Generators):
    """The same generators, in several copies that are asked at once, and with a memory of what they said."""

    def __init__(self, copies: int) -> None:
        super().__init__()
        self._copies = copies
        self._memories: dict[Path | None, Memory] = {}

    def take(self, key: Path | None, load: Callable[[], Generator]) -> Generator:
        """Hold a generator, loaded if need be; blocks meanwhile."""

        def loaded() -> Generator:
            from adapters.generator.model import LocalGenerator

            first = load()
            if not isinstance(first, LocalGenerator):
                return first  # it is loaded later, or runs elsewhere, where others ask it too
            more = range(1, self._copies if first.on_cpu else 1)
            return Rehearing(Copies([first, *(first.copy() for _ in more)]), self._memories.setdefault(key, {}))

        return super().take(key, loaded)


class _Quoting(Generators):
    """No generator at all, whatever is wanted."""

    def take(self, key: Path | None, load: Callable[[], Generator]) -> Generator:  # noqa: ARG002 - of the same shape
        """Load nothing."""
        return super().take(key, Silent)


class _SuiteArms(Arms):
    """The same message paths over the regression suite's knowledge."""

    keeps_vectors = False  # a version's file is for the team's documents

    def __init__(self, wiring: Wiring, store: Store, generators: Generators, folder: Path) -> None:
        super().__init__(wiring, store, generators)
        self._folder = folder

    @cached_property
    def _knowledge(self) -> KnowledgeBase:
        encoder, known = self._wiring.encoder, MemoryStore()  # nothing of the suite is a team's: it is not kept
        fill(known, encoder, load_suite(), examples=example_folder())
        return KnowledgeBase.open(known, encoder, self._folder)


class Comparer:
    """Asks sets of versions the same questions, one set in memory at a time."""

    def __init__(
        self, wiring: Wiring, store: Store, folder: Path, *, quoting: bool = False, lines: LineVectors | None = None
    ) -> None:
        """Load the encoder.

        Args:
            wiring: Of the settings.
            store: Holds the team's knowledge.
            folder: To work in.
            quoting: Whether lines are quoted and no generator is asked, which takes a tenth of the time.
            lines: Those encoded already.
        """
        generators = _Quoting() if quoting else _Rehearing(wiring.settings.learning.threads)
        self._wiring = wiring
        self.lines = lines or LineVectors(wiring.encoder)
        self._arms = Arms(wiring, store, generators, self.lines)
        self._suite_arms = _SuiteArms(wiring, store, generators, folder)

    def versions(self) -> Versions:
        """Those that serve now. Blocks."""
        return self._arms.versions()

    async def see(
        self, versions: Versions, questions: Questions, progress: Callable[[int, int], None], *, margins: bool = True
    ) -> Seen:
        """Ask a set of versions.

        Args:
            versions: Who is asked.
            questions: What is asked.
            progress: Told after each question: done, of how many.
            margins: Whether the generator tells by how much it prefers the wanted answers: a second a question.

        Raises:
            AdapterError: One of them is damaged, or was made for other models.
        """
        return await self.ask(await run_blocking(self._arms.build, versions), questions, progress, margins=margins)

    async def ask(
        self, arm: Arm, questions: Questions, progress: Callable[[int, int], None], *, margins: bool = True
    ) -> Seen:
        """Ask a message path as `see` does, and close it."""
        try:
            suite = await run_blocking(self._suite_arms.build, arm.versions) if questions.suite else arm
            subject = Subject(
                path=arm.path,
                suite=suite.path,
                likelihood=arm.generator if margins and isinstance(arm.generator, Likelihood) else None,
            )
            copies = arm.generator.copies if isinstance(arm.generator, Rehearing) else 1
            together = copies * how_many_together(self._wiring.settings.models.max_batch)
            try:
                return await see(subject, questions, together=together, progress=progress)
            finally:
                if suite is not arm:
                    await suite.aclose()
        finally:
            await arm.aclose()
            await run_blocking(give_back)  # what comes next may need it


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """What one set of versions reaches, with nothing to compare it with."""

    name: str
    parts: tuple[Part, ...]
    cases: int  # of the regression suite
    failed: tuple[str, ...]  # cases that do not hold


def evaluate_versions(
    wiring: Wiring, questions: Questions, *, task: Task, candidate: str, against: str
) -> Report | Single:
    """Measure a version by hand.

    Args:
        wiring: Of the settings.
        questions: What to ask.
        task: Whose version is named.
        candidate: A version's name; "" for what serves alone.
        against: The version that it is compared with; "" for what serves.

    Raises:
        BotError: A version is named of a task that does not serve versions.
        AdapterError: There is no such version, or it cannot serve.
    """
    with wiring.open_store() as store, TemporaryDirectory() as folder:
        return asyncio.run(
            _evaluate(
                wiring,
                Comparer(wiring, store, Path(folder)),
                questions,
                task=task,
                candidate=candidate,
                against=against,
            )
        )


async def _evaluate(
    wiring: Wiring, comparer: Comparer, questions: Questions, *, task: Task, candidate: str, against: str
) -> Report | Single:
    def progress(name: str) -> Callable[[int, int], None]:
        return lambda done, of: wiring.progress(done, of, f"asking {name}")

    if (candidate or against) and task not in wiring.followed:
        raise BotError(f"With these settings no version of the {task.value} serves, so none can be measured.")
    new = wiring.registry.version(task, candidate) if candidate else None
    old = wiring.registry.version(task, against) if against else None
    versions = await run_blocking(comparer.versions)
    compared = old or versions[task]
    if new is not None and compared is not None and compared.name == new.name:
        raise BotError(f"{new.name} would be compared with itself; name another version with --against.")
    if old is not None:
        versions = {**versions, task: old}
    before = await comparer.see(versions, questions, progress(WHAT_SERVES if old is None else old.name))
    served = versions[task]
    name = served.name if served is not None else WHAT_SERVES
    if new is None:
        return _single(questions, before, name=name if candidate or against else WHAT_SERVES)
    after = await comparer.see({**versions, task: new}, questions, progress(new.name))
    paired = side_by_side(questions, before, after)
    decision = decide(paired, rng=np.random.default_rng(SEED))
    return make_report(paired, decision, task=task, candidate=new.name, against=name)


def _single(questions: Questions, seen: Seen, *, name: str) -> Single:
    alone = side_by_side(questions, seen, seen)
    return Single(
        name=name,
        parts=parts(alone.test),
        cases=len(alone.suite),
        failed=tuple(case.name for case in alone.suite if not case.after),
    )


def as_values(found: Report | Single) -> dict[str, Any]:
    """What was measured, for a script."""
    return as_json(found, texts=True) if isinstance(found, Report) else asdict(found)


def questions_for(wiring: Wiring, file: Path | None, *, suite: bool) -> tuple[Questions, tuple[str, ...]]:
    """What versions are measured on, and what is wrong with a file's rows that were left out.

    Args:
        wiring: Of the settings.
        file: Questions with their right answers; None for the rated ones that no version was trained on.
        suite: Whether the regression suite is asked too.

    Raises:
        BotError: There is nothing to ask, or the file cannot be read.
    """
    cases = load_suite().cases if suite else ()
    if file is not None:
        items, faults = questions_from(file)
        return Questions(test=items, suite=cases), faults
    rated = _rated(wiring)
    questions = replace(rated, suite=cases)
    if not len(questions):
        raise BotError("There is nothing to ask: no rated question is held out yet; name a file with --file.")
    return questions, ()


def _rated(wiring: Wiring) -> Questions:
    """The rated questions that are held out, without the entries that give their answers away."""
    with wiring.open_store() as store:
        knowledge = wiring.open_knowledge(store)

        def search(text: str) -> tuple[Passage, ...]:
            return knowledge.search(text, wiring.encoder.encode([text])[0])

        labels = {definition.name for definition in wiring.definitions}
        examples = Gathering(store, search=search, labels=lambda: labels).examples()
        sides = rated_questions(examples, store.knowledge.load_chunks(), wiring.encoder.encode)
    return Questions(test=sides.test, dev=sides.dev)


def questions_from(file: Path) -> tuple[tuple[HeldOut, ...], tuple[str, ...]]:
    """Questions with their right answers from a file, and what is wrong with rows that were left out.

    Raises:
        BotError: It cannot be read, or holds no questions with answers.
    """
    parse = {".jsonl": parse_json_lines, ".json": parse_json}.get(file.suffix.lower(), parse_csv)
    try:
        content = parse(file.read_text(encoding="utf-8-sig"), uri=str(file))
    except UnicodeDecodeError as error:
        raise BotError(f"{file} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from error
    except OSError as error:
        raise BotError(f"{file} cannot be read ({error.strerror}); check the path.") from error
    except KnowledgeError as error:
        raise BotError(f"{file}: {error}") from error
    items = tuple(
        HeldOut(question=one.question, wanted=(one.answer,), answerable=True, certain=True) for one in content.pairs
    )
    return items, tuple(problem.reason for problem in content.problems)
