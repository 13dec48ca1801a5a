"""For tests: the bot with fakes in the models' places, and a person at its terminal."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from adapters.intent.config import IntentDefinition, load_definitions
from adapters.retrieval.answers import AnswerMemory
from adapters.retrieval.config import Calibration
from adapters.testing import FakeEncoder
from adapters.types import Encoder, Generator, Intent, Matrix
from bot.confidence import UNCALIBRATED
from bot.config import Settings
from bot.frontends.terminal import Person, Terminal
from bot.logs import OURS, log_to
from bot.middleware import ErrorBoundary, Request, compose, length_limit
from bot.pipeline import Event, Pipeline
from bot.routing import Router
from bot.service import Bot
from bot.store.store import Store
from knowledge.retrieve import KnowledgeBase
from knowledge.testing import document
from knowledge.types import DEFAULT_COLLECTION, Chunk, KnowledgeStore

CTRL_C = "\x03"
ADA = Person(sender="ada", name="Ada")


class FixedClassifier:
    """Takes every message for the same intent."""

    def __init__(self, label: str = "question", *, confidence: float = 1.0, in_scope: float = 1.0) -> None:
        self._intent = Intent(label=label, confidence=confidence, in_scope=in_scope)
        self.asked: list[str] = []

    @property
    def name(self) -> str:
        """Always the same."""
        return "fixed-classifier"

    @property
    def labels(self) -> tuple[str, ...]:
        """The one label."""
        return (self._intent.label,)

    def predict(self, texts: Sequence[str], embeddings: Matrix) -> tuple[Intent, ...]:
        """Give the intent once a text; the texts are noted in `asked`."""
        if len(texts) != len(embeddings):
            raise ValueError((len(texts), len(embeddings)))
        self.asked += texts
        return (self._intent,) * len(texts)


def teach(
    store: KnowledgeStore,
    *chunks: Chunk,
    uri: str = "/help/a.md",
    collection: str = DEFAULT_COLLECTION,
    source: str = "/help",
) -> None:
    """Put a document of these chunks into a store, encoded by the fake encoder."""
    encoder = FakeEncoder()
    vectors = encoder.encode([chunk.embedding_text for chunk in chunks])
    store.replace_document(document(uri, collection=collection, source=source), chunks, vectors, encoder=encoder.name)


def fake_pipeline(
    store: KnowledgeStore,
    folder: Path,
    *,
    generator: Generator,
    classifier: FixedClassifier | None = None,
    encoder: Encoder | None = None,
    settings: Settings | None = None,
    definitions: Sequence[IntentDefinition] | None = None,
    match: Callable[[str], Intent | None] = lambda _: None,
    clock: Callable[[], float] = time.perf_counter,
    calibration: Calibration = UNCALIBRATED,
    curated_from: float | None = None,
    answers: AnswerMemory | None = None,
) -> Pipeline:
    """The real message path over the real search, with fake models.

    Args:
        store: What `teach` filled.
        folder: For the search index.
        generator: Most often a ScriptedGenerator.
        classifier: By default every message is a question.
        encoder: By default a FakeEncoder.
        settings: By default the defaults.
        definitions: By default the built-in intents.
        match: Recognises small talk before the classifier does; by default it never does.
        clock: Seconds, for the timings.
        calibration: Of the score by which it refuses; by default none.
        curated_from: Similarity from which a curated question is the same, as ratings taught; by default none.
        answers: That were liked; by default none.
    """
    settings = settings or Settings()
    encoder = encoder or FakeEncoder()
    return Pipeline(
        encoder=encoder,
        classifier=classifier or FixedClassifier(),
        router=Router(
            load_definitions() if definitions is None else definitions,
            min_confidence=settings.intents.small_talk_confidence,
            match=match,
        ),
        knowledge=KnowledgeBase.open(store, encoder, folder),
        generator=generator,
        settings=settings,
        clock=clock,
        calibration=calibration,
        curated_from=curated_from,
        answers=answers,
    )


def fake_bot(
    store: Store,
    folder: Path,
    *,
    generator: Generator,
    classifier: FixedClassifier | None = None,
    settings: Settings | None = None,
) -> Bot:
    """The whole bot over a real store, with fake models."""
    settings = settings or Settings()
    pipeline = fake_pipeline(store.knowledge, folder, generator=generator, classifier=classifier, settings=settings)

    def answer(request: Request) -> AsyncGenerator[Event, None]:
        return pipeline.answer(request.stored.message.text, history=request.history, collections=request.collections)

    handler = compose(answer, ErrorBoundary(settings), length_limit(settings))
    return Bot(store=store, handler=handler, settings=settings, worker=generator)


class ScriptedPerson:
    """Reads nothing from anywhere: says lines in turn, and notes what was shown after each; CTRL_C is the key."""

    def __init__(self, said: Sequence[str], shown: io.StringIO) -> None:
        self._lines = iter(said)
        self._shown = shown
        self._seen = 0
        self._said = ""
        self.heard: list[tuple[str, str]] = []

    async def read(self, prompt: str) -> str | None:  # noqa: ARG002 - a script needs no prompt
        """The next line; None at the end of the script.

        Raises:
            KeyboardInterrupt: The line is CTRL_C.
        """
        self.listen()
        line = next(self._lines, None)
        self._said = line or ""
        if line == CTRL_C:
            raise KeyboardInterrupt
        return line

    def listen(self) -> None:
        """Note what was shown since the last line; nothing is noted before the first one if nothing was shown."""
        text = self._shown.getvalue()
        new, self._seen = text[self._seen :].strip(), len(text)
        if self._said or new:
            self.heard.append((self._said, new))


async def converse(
    bot: Bot, *said: str, person: Person = ADA, interactive: bool = True, commands: bool = False
) -> list[tuple[str, str]]:
    """Say lines at a terminal, one after the other.

    Args:
        bot: Whom to talk to; it is left open.
        said: Lines as typed; CTRL_C is the key at the prompt.
        person: Who sits there.
        interactive: Whether it is a terminal or a pipe.
        commands: Whether the bot carries out the commands of bot.commands.

    Returns:
        What was said and what was shown upon it, [(said, replied)]; what was shown before the first line is the
        reply to "".
    """
    shown = io.StringIO()
    out = Console(file=shown, width=200, highlight=False, force_terminal=False)
    reader = ScriptedPerson(said, shown)
    terminal = Terminal(bot=bot, person=person, reader=reader, out=out, interactive=interactive, commands=commands)
    await terminal.run()
    reader.listen()
    return reader.heard


@contextmanager
def logging_to(folder: Path) -> Iterator[Path]:
    """Write log lines as the program does, for a while; gives the file."""
    loggers = [logging.getLogger(name) for name in (None, *OURS)]
    levels = [logger.level for logger in loggers]
    handler = log_to(folder)
    try:
        yield folder / "burnish.log"
    finally:
        loggers[0].removeHandler(handler)
        handler.close()
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
