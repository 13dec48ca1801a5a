"""The composition root: the only module that builds across packages, and the only one in bot that knows training."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import TypeAdapter

from adapters import bases
from adapters.intent.config import IntentDefinition, load_definitions
from adapters.intent.match import ExampleMatcher
from adapters.types import Encoder, Generator, IntentClassifier
from bot.config import Folders, Settings
from bot.deferred import DeferredGenerator
from bot.errors import BotError
from bot.middleware import ErrorBoundary, Handler, Request, compose, length_limit
from bot.pipeline import Done, Event, Pipeline
from bot.routing import Router
from bot.service import Bot
from bot.store import Store
from bot.store.backup import backup as backup_store
from bot.store.backup import restore as restore_store
from bot.store.check import Finding
from bot.store.check import check as check_store
from bot.store.crypto import Keyring, load_key_file
from bot.store.migrate import head_revision
from bot.types import Answer, Message, StoredMessage
from knowledge import sources
from knowledge.chunking import chunk
from knowledge.ingest import IngestReport
from knowledge.ingest import ingest as run_ingest
from knowledge.retrieve import KnowledgeBase, RetrievalMode, RetrievalSettings
from knowledge.types import DEFAULT_COLLECTION, Found, Parsed, Passage, Problem, SourceLimits

Progress: TypeAlias = Callable[[int, int, str], None]  # done, total (0: unknown), what is being done

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wiring:
    """Everything that one set of settings builds; parts are made when they are first asked for."""

    settings: Settings
    folders: Folders
    progress: Progress

    # -- store

    @property
    def store_url(self) -> str:
        """The database's URL; by default a file under the home folder."""
        return self.settings.store.url or f"sqlite:///{self.folders.home / 'burnish.db'}"

    @cached_property
    def keyring(self) -> Keyring:
        """The encryption keys, from the settings or the key file; made on first use."""
        if key := self.settings.store.key.get_secret_value():
            return Keyring.parse(key, origin="the setting store.key")
        return load_key_file(self.folders.key_file)

    def open_store(self) -> Store:
        """Open the store; one without tables gets them, an older one is refused with the command that migrates it."""
        store = Store.open(self.store_url, self.keyring)
        try:
            revision = store.revision()
            if revision is None:
                store.migrate()
            elif revision != head_revision():
                raise BotError(
                    "The store was made by an older version of Burnish; back it up with `burnish store backup FOLDER`, "
                    "then run `burnish store migrate`."
                )
        except BaseException:
            store.close()
            raise
        return store

    # -- models

    def _fetch(self, source: str) -> Path:
        def report(activity: str, done: int, total: int | None) -> None:
            self.progress(done, total or 0, activity)

        return bases.resolve(source, cache=self.folders.cache, progress=report)

    @cached_property
    def encoder(self) -> Encoder:
        """The sentence encoder, fetched if need be."""
        from adapters.encoder.config import EncoderSettings
        from adapters.encoder.model import SentenceEncoder

        models = self.settings.models
        folder = self._fetch(models.encoder)
        return SentenceEncoder(
            folder, EncoderSettings(device=models.device, dtype=models.dtype, threads=models.threads)
        )

    def generator(self) -> Generator:
        """The language model: its weights are fetched now, and loaded while others work."""
        models = self.settings.models
        source = bases.parse_source(models.generator)
        if isinstance(source, bases.EndpointSource):
            from adapters.generator.config import EndpointSettings
            from adapters.generator.openai import OpenAIGenerator

            return OpenAIGenerator(
                source.url, source.model, EndpointSettings(), api_key=models.generator_api_key.get_secret_value()
            )
        folder = self._fetch(models.generator)

        def load() -> Generator:
            from adapters.generator.config import GeneratorSettings
            from adapters.generator.model import LocalGenerator

            return LocalGenerator(
                folder,
                GeneratorSettings(
                    device=models.device,
                    dtype=models.dtype,
                    threads=models.threads,
                    max_batch=models.max_batch,
                    max_waiting=models.max_queue,
                ),
            )

        return DeferredGenerator(load)

    # -- intents

    @property
    def intents_file(self) -> Path | None:
        """The team's own intents."""
        named = self.settings.intents.file
        if not named:
            return None
        beside = self.folders.file.parent / named
        return beside if beside.exists() else self.folders.home / named

    @cached_property
    def definitions(self) -> tuple[IntentDefinition, ...]:
        """The built-in intents and the team's own."""
        return load_definitions(self.intents_file)

    def classifier(self) -> IntentClassifier:
        """The trained head if there is one for this encoder, else one made from the definitions."""
        from adapters.intent.persist import load

        trained = load(self.folders.intents, encoder=self.encoder.name)
        return trained or few_shot(self.definitions, self.encoder)

    # -- knowledge

    def open_knowledge(self, store: Store) -> KnowledgeBase:
        """Load the search index and bring it up to the store's state."""
        knowledge = self.settings.knowledge
        settings = RetrievalSettings(mode=RetrievalMode(knowledge.mode), top_k=knowledge.top_k, rrf_k=knowledge.rrf_k)
        base = KnowledgeBase.open(store.knowledge, self.encoder, self.folders.index, settings, self.progress)
        base.save()
        return base

    def ingest(self, named: Sequence[str], *, collection: str) -> IngestReport:
        """Take documents in."""
        settings = self.settings.knowledge
        limits = SourceLimits(
            max_megabytes=settings.max_file_megabytes,
            page_seconds=settings.web_timeout_seconds,
            allow_private=settings.allow_private_addresses,
        )
        with self.open_store() as store:
            return run_ingest(
                named,
                store=store.knowledge,
                encoder=self.encoder,
                reader=_Reader(collection=collection, limits=limits, settings=f"tokens={settings.chunk_tokens}"),
                chunk=partial(chunk, count_tokens=self.encoder.count_tokens, target_tokens=settings.chunk_tokens),
                collection=collection,
                lock_file=self.folders.home / "ingest.lock",
                progress=self.progress,
            )

    # -- the bot

    def pipeline(self, store: Store, generator: Generator) -> Handler:
        """The message path with what stands around it; the error boundary is outermost."""
        pipeline = Pipeline(
            encoder=self.encoder,
            classifier=self.classifier(),
            router=Router(
                self.definitions,
                min_confidence=self.settings.intents.small_talk_confidence,
                match=ExampleMatcher(self.definitions).match,
            ),
            knowledge=self.open_knowledge(store),
            generator=generator,
            settings=self.settings,
        )

        def answer(request: Request) -> AsyncIterator[Event]:
            text = request.stored.message.text
            return pipeline.answer(text, history=request.history, collections=request.collections)

        return compose(answer, ErrorBoundary(self.settings), length_limit(self.settings))

    def bot(self) -> Bot:
        """The whole bot."""
        store = self.open_store()
        try:
            generator = self.generator()
            return Bot(store=store, handler=self.pipeline(store, generator), settings=self.settings, worker=generator)
        except BaseException:
            store.close()
            raise

    async def ask(self, question: str) -> Answer:
        """Answer one question without keeping anything of it."""
        with self.open_store() as store:
            generator = self.generator()
            try:
                handler = self.pipeline(store, generator)
                async for event in handler(_passing(question)):
                    if isinstance(event, Done):
                        return event.answer
                raise BotError("No answer came; please ask again.")
            finally:
                await generator.aclose()

    # -- housekeeping

    def is_empty(self) -> bool:
        """Whether the bot knows no document yet."""
        with self.open_store() as store:
            return not store.knowledge.documents()

    def ingest_example(self) -> IngestReport:
        """Take in the help centre of an invented company."""
        return self.ingest([str(example_folder() / name) for name in EXAMPLE_SOURCES], collection=DEFAULT_COLLECTION)

    def search(self, query: str, *, collections: Sequence[str] | None, top_k: int) -> tuple[Passage, ...]:
        """What the bot would see for a question."""
        with self.open_store() as store:
            knowledge = self.open_knowledge(store)
            return knowledge.search(query, self.encoder.encode([query])[0], collections=collections, top_k=top_k)

    def fetch_models(self, named: Sequence[str] | None) -> tuple[tuple[str, Path], ...]:
        """Fetch weights: those named, else those in the settings."""
        wanted = named or [self.settings.models.encoder, self.settings.models.generator]
        local = [text for text in wanted if not isinstance(bases.parse_source(text), bases.EndpointSource)]
        return tuple((source, self._fetch(source)) for source in local)

    def cached_models(self) -> tuple[bases.CachedModel, ...]:
        """The weights in the cache."""
        return bases.list_models(self.folders.cache)

    def migrate(self) -> tuple[str, ...]:
        """Bring the store to this version's schema; returns the revisions applied."""
        with Store.open(self.store_url, self.keyring) as store:
            return store.migrate()

    def check(self) -> tuple[Finding, ...]:
        """Look for damage in the store."""
        with Store.open(self.store_url, self.keyring) as store:
            return check_store(store)

    def backup(self, destination: Path, *, with_key: bool) -> None:
        """Copy the live store into a new folder."""
        if with_key and self.settings.store.key.get_secret_value():
            raise BotError("The encryption key comes from the settings, not from a file: keep a copy of it yourself.")
        with Store.open(self.store_url, self.keyring) as store:
            backup_store(store, destination, key_file=self.folders.key_file if with_key else None)

    def restore(self, source: Path, *, force: bool) -> None:
        """Put a backup in the store's place; its key file comes along where there is none yet."""
        own_key = bool(self.settings.store.key.get_secret_value()) or self.folders.key_file.exists()
        keyring = self.keyring if own_key else (restore_key_file(source, self.folders.key_file) or self.keyring)
        restore_store(source, self.store_url, keyring, force=force)


EXAMPLE_SOURCES = ("help-centre", "faq.csv")


def example_folder() -> Path:
    """Where the example knowledge lies: inside the installed package, or beside it in a checkout."""
    here = Path(__file__).parent
    for folder in (here / "examples", here.parent / "examples"):
        if all((folder / name).exists() for name in EXAMPLE_SOURCES):
            return folder
    raise BotError("The example knowledge is not installed; take your own documents in with `burnish ingest FOLDER`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """knowledge.sources with its settings; an ingest's Reader."""

    collection: str
    limits: SourceLimits
    settings: str  # the chunker's, so that a change of them makes every document new

    def resolve(self, source: str) -> str:
        return sources.canonical(source)

    def discover(self, source: str) -> Iterator[Found | Problem]:
        return sources.discover(source, limits=self.limits, settings=self.settings)

    def parse(self, found: Found) -> Parsed:
        return sources.parse(found, collection=self.collection, limits=self.limits)


def _passing(question: str) -> Request:
    """A request for a message that is not kept."""
    message = Message(
        platform="ask",
        event_id="",
        channel="",
        thread="",
        sender="",
        sender_name="",
        text=question,
        received_at=datetime.now(UTC),
    )
    stored = StoredMessage(id=0, conversation_id=0, user_id=0, message=message)
    return Request(stored=stored, history=(), collections=None)


def answer_as_dict(answer: Answer) -> dict[str, Any]:
    """An answer with its whole trace, for a script."""
    shown: dict[str, Any] = TypeAdapter(Answer).dump_python(answer, mode="json")
    return shown
