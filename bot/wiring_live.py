"""The composition root of what answers: message paths for sets of adapter versions, and the one that follows them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from threading import Event as Flag
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

from adapters import bases
from adapters.encoder.adapter import EncoderDelta
from adapters.errors import AdapterError
from adapters.generator.answerability import has_head
from adapters.generator.shipped import shipped_adapter
from adapters.generator.threaded import ThreadedGenerator
from adapters.intent.classifier import TrainedClassifier
from adapters.intent.match import ExampleMatcher
from adapters.layout import verify
from adapters.retrieval.model import RetrievalAdapter
from adapters.retrieval.persist import load as load_retrieval
from adapters.types import AdapterVersion, Generator, Task
from bot.blocking import run_blocking
from bot.confidence import UNCALIBRATED
from bot.deferred import DeferredGenerator
from bot.learning.live import Arm, LivePath, Notice, Versions
from bot.looking import LineVectors
from bot.middleware import ErrorBoundary, Handler, Request, compose, length_limit
from bot.one_shot import ask_once
from bot.pipeline import Event, Pipeline
from bot.routing import Router
from bot.store.store import Store
from bot.types import Answer
from bot.wiring import Wiring
from knowledge.advice import AdvisedKnowledge
from knowledge.own import FILE as VECTORS_FILE
from knowledge.own import OwnVectors
from knowledge.retrieve import KnowledgeBase

MOST_AT_START = 64  # chunks that a start encodes before it answers, about three seconds of a core
CLASSIFIERS = 4  # that are kept loaded: two that serve, and two that were just swapped


class _Closes(Protocol):
    async def aclose(self) -> None: ...


T = TypeVar("T", bound=_Closes)


@dataclass(slots=True)
class _Held(Generic[T]):
    part: T
    arms: int


class Shared(Generic[T]):
    """Parts in memory that several arms may hold; one is closed when no arm holds it any more."""

    def __init__(self) -> None:
        self._held: dict[Path | None, _Held[T]] = {}
        self._turn = Lock()

    @property
    def loaded(self) -> int:
        """How many there are."""
        return len(self._held)

    def take(self, key: Path | None, load: Callable[[], T]) -> T:
        """Hold a part, loaded if need be; blocks meanwhile.

        Args:
            key: Folder of its adapter version; None for the one that comes with the program.
            load: Makes it.
        """
        with self._turn:
            if (held := self._held.get(key)) is not None:
                held.arms += 1
                return held.part
        made = load()  # nobody waits for it who only wants to let go of another
        with self._turn:
            self._held[key] = _Held(made, 1)
        return made

    async def release(self, key: Path | None) -> None:
        """Let go of a part."""
        with self._turn:
            held = self._held[key]
            held.arms -= 1
            if held.arms:
                return
            del self._held[key]
        await held.part.aclose()
        self._left(held.part)

    def _left(self, part: T) -> None:
        """A part was closed."""

    @property
    def parts(self) -> tuple[T, ...]:
        """Those in memory."""
        with self._turn:
            return tuple(held.part for held in self._held.values())


class Generators(Shared[Generator]):
    """The generators in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._closed: Counter[str] = Counter()

    @property
    def trouble(self) -> str:
        """Why one of them does not generate yet; "" where all do."""
        troubles = (one.trouble for one in self.parts if isinstance(one, DeferredGenerator))
        return next(filter(None, troubles), "")

    def tokens(self) -> Mapping[str, int]:
        """How many tokens were read and written here since the start, by generators that are closed too."""
        return sum((Counter(_tokens(one)) for one in self.parts), Counter(self._closed))

    def _left(self, part: Generator) -> None:
        self._closed.update(_tokens(part))


def _tokens(generator: Generator) -> Mapping[str, int]:
    return generator.tokens if isinstance(generator, DeferredGenerator | ThreadedGenerator) else {}


@dataclass(frozen=True, slots=True)
class _Tuned:
    """What a retrieval version's own encoder makes of the documents."""

    vectors: OwnVectors

    async def aclose(self) -> None:
        await run_blocking(self.vectors.close)


class Arms:
    """Builds message paths; what they have in common is loaded once. Builds one at a time."""

    keeps_vectors = True  # whether what a version's own encoder makes of the documents lies beside the version

    def __init__(
        self, wiring: Wiring, store: Store, generators: Generators | None = None, lines: LineVectors | None = None
    ) -> None:
        """Load nothing yet but the encoder.

        Args:
            wiring: Of the settings.
            store: Holds the knowledge.
            generators: Those in memory already.
            lines: Those encoded already, by the encoder of the settings.
        """
        self._wiring = wiring
        self._store = store
        self._encoder = wiring.encoder  # before a generator is loaded: two imports of transformers at once fail
        self._lines = lines or LineVectors(self._encoder)
        self._generators = generators or Generators()
        self._tuned = Shared[_Tuned]()
        self._ready: dict[Path, _Tuned] = {}  # made by `first` while it looked which version fits
        self._stopping = Flag()
        self._building = Lock()
        self._classifier_in = lru_cache(maxsize=CLASSIFIERS)(self._load_classifier)

    def first(self, *, patient: bool = True) -> Arm:
        """What serves now, with a generator that is loaded while others work; blocks for the rest.

        A version that is damaged, or was made for other models, gives way to the last before it that is not.

        Args:
            patient: Whether the documents are encoded for a version that has an encoder of its own, however many
                there are; else it gives way too where they have not been encoded yet.
        """
        return self._arm(self.versions(patient=patient), at_once=False)

    def versions(self, *, patient: bool = True) -> Versions:
        """Those that serve now, as `first` takes them; blocks."""
        self._add_shipped()
        most = None if patient else MOST_AT_START
        return {task: self._first(task, most) for task in Task}

    def build(self, versions: Versions) -> Arm:
        """The message path of a set of versions, completely loaded; blocks, for long where documents are encoded.

        Raises:
            AdapterError: One of them is damaged, or was made for other models.
        """
        with self._building:
            return self._arm(versions, at_once=True)

    def is_current(self) -> bool:
        """Bring the search to the store's state; False where another thread is still at it. Blocks."""
        self._knowledge.refresh()
        return self._knowledge.revision == self._store.knowledge.revision()

    def stop(self) -> None:
        """Break off what is being built."""
        self._stopping.set()

    # -- parts

    def _arm(self, versions: Versions, *, at_once: bool) -> Arm:
        version = versions[Task.GENERATOR]
        key = version.folder if version is not None else None
        retrieval = versions[Task.RETRIEVAL]
        with ExitStack() as undo:
            generator = self._generators.take(key, partial(self._generator, version, at_once=at_once))
            held: list[Callable[[], Coroutine[Any, Any, None]]] = [partial(self._generators.release, key)]
            undo.callback(lambda: _run_apart(_released(held)))
            learned = self._learned(retrieval)
            tuned = None
            if retrieval is not None and learned is not None and learned.tuned is not None:
                tuned = self._tuned.take(retrieval.folder, partial(self._tuned_in, retrieval, learned.tuned))
                held.append(partial(self._tuned.release, retrieval.folder))
            path = Pipeline(
                encoder=self._encoder,
                classifier=self._classifier(versions[Task.INTENT]),
                router=self._router,
                knowledge=self._retriever(learned, tuned),
                generator=generator,
                settings=self._wiring.settings,
                line_vectors=self._lines,
                calibration=UNCALIBRATED if learned is None else learned.calibration,
                curated_from=None if learned is None else learned.curated,
                answers=None if learned is None else learned.answers,
            )
            undo.pop_all()
        return Arm(path=path, versions=versions, generator=generator, aclose=partial(_released, held))

    def _retriever(self, learned: RetrievalAdapter | None, tuned: _Tuned | None) -> KnowledgeBase | AdvisedKnowledge:
        if learned is None:
            return self._knowledge
        return AdvisedKnowledge(self._knowledge, learned, tuned.vectors if tuned is not None else None)

    def _tuned_in(self, version: AdapterVersion, delta: EncoderDelta, most: int | None = None) -> _Tuned:
        """A version's own vectors of every chunk."""
        if (ready := self._ready.pop(version.folder, None)) is not None:
            return ready
        file = version.folder / VECTORS_FILE if self.keeps_vectors else None  # copied, and removed, with the version
        vectors = OwnVectors(self._knowledge, self._wiring.encoder_with(delta), file)
        if not vectors.follow(self._wiring.progress, stop=self._stopping.is_set, most=most):
            raise AdapterError(f"The documents are not encoded yet for {version.name}.")
        return _Tuned(vectors)

    def _generator(self, version: AdapterVersion | None, *, at_once: bool) -> Generator:
        if self._wiring.generator_folder is None:
            return self._wiring.remote_generator()
        if version is not None and (fault := self._generator_fault(version)):
            raise AdapterError(fault)
        load = partial(self._wiring.load_generator, version)
        grounded = version is not None and has_head(version.folder)
        return load() if at_once else DeferredGenerator(load, grounded=grounded)

    @cached_property
    def _router(self) -> Router:
        definitions = self._wiring.definitions
        least = self._wiring.settings.intents.small_talk_confidence
        return Router(definitions, min_confidence=least, match=ExampleMatcher(definitions).match)

    @cached_property
    def _knowledge(self) -> KnowledgeBase:
        return self._wiring.open_knowledge(self._store)

    def _learned(self, version: AdapterVersion | None) -> RetrievalAdapter | None:
        """What retrieval has learned."""
        return None if version is None else load_retrieval(version.folder, encoder=self._encoder.name)

    def _classifier(self, version: AdapterVersion | None) -> TrainedClassifier:
        return self._classifier_in(version.folder if version is not None else None)

    def _load_classifier(self, folder: Path | None) -> TrainedClassifier:
        return self._wiring.classifier() if folder is None else self._wiring.classifier_in(folder)

    # -- which versions to begin with

    def _add_shipped(self) -> None:
        """Make the adapter that ships version 1 of the generator that it was made for, where there is none yet."""
        registry, folder = self._wiring.registry, self._wiring.generator_folder
        if Task.GENERATOR not in self._wiring.followed or folder is None:
            return
        shipped = shipped_adapter(bases.fingerprint(folder))
        if shipped is None or self._has_active(Task.GENERATOR):
            return
        known = {version.fingerprint: version for version in registry.versions(Task.GENERATOR)}
        first = known.get(bases.fingerprint(shipped)) or registry.add_candidate(Task.GENERATOR, shipped)
        registry.promote(Task.GENERATOR, first.name)

    def _has_active(self, task: Task) -> bool:
        try:
            return self._wiring.registry.active(task) is not None
        except AdapterError:  # there is one, and its folder is gone or torn
            return True

    def _first(self, task: Task, most: int | None) -> AdapterVersion | None:
        if task not in self._wiring.followed:
            return None
        registry, fits = self._wiring.registry, partial(self._fits, most=most)
        try:
            active = registry.active(task)
        except AdapterError:  # its folder is gone or torn; LivePath tells of it
            return next(filter(fits, registry.served(task)), None)
        if active is None:
            return None
        return next(filter(fits, (active, *registry.served(task))), None)

    def _fits(self, version: AdapterVersion, *, most: int | None) -> bool:
        if version.task is Task.GENERATOR:
            return self._generator_fault(version) is None
        try:
            if version.task is Task.RETRIEVAL:
                learned = self._learned(version)
                if learned is not None and learned.tuned is not None:
                    self._ready[version.folder] = self._tuned_in(version, learned.tuned, most)
            else:
                self._classifier(version)
        except AdapterError:
            return False
        return True

    def _generator_fault(self, version: AdapterVersion) -> str | None:
        folder = self._wiring.generator_folder
        if folder is not None and version.base != bases.fingerprint(folder):
            return (
                f"{version.name} was not trained on the generator in the settings "
                f"({self._wiring.settings.models.generator})."
            )
        return verify(version.folder, full=True)


async def _released(held: Sequence[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    for release in held:
        await release()


def _run_apart(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end in a thread of its own: this one may have a loop already."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(asyncio.run, work).result()


def live_path(wiring: Wiring, store: Store, *, arms: Arms | None = None, notice: Notice = lambda _: None) -> LivePath:
    """The message path of the versions that serve; it follows the registry once it is started. Blocks.

    Args:
        wiring: Of the settings.
        store: Holds the knowledge.
        arms: Builds the paths; by default new ones.
        notice: Told of a version that cannot be loaded.
    """
    arms = arms or Arms(wiring, store)
    learning = wiring.settings.learning
    return LivePath(
        arms.first(patient=False),
        arms.build,
        wiring.registry,
        canary_share=learning.canary_share if learning.canary == "on" else 0.0,
        notice=notice,
        tasks=wiring.followed,
        stop=arms.stop,
    )


def alone(wiring: Wiring, live: LivePath) -> Handler:
    """The message path without people and commands around it; the error boundary is outermost."""

    def answer(request: Request) -> AsyncGenerator[Event, None]:
        message = request.stored.message
        return live.answer(message.text, conversation_id=0, history=request.history, collections=request.collections)

    return compose(answer, ErrorBoundary(wiring.settings), length_limit(wiring.settings))


def ask(wiring: Wiring, question: str) -> Answer:
    """Answer one question without keeping anything of it."""
    with wiring.open_store() as store:
        live = live_path(wiring, store)
        return asyncio.run(ask_once(alone(wiring, live), live, question))
