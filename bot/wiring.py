"""The composition root: the only module that builds across packages, and the only one in bot that knows training."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from adapters import bases
from adapters.device import automatic_threads
from adapters.encoder.adapter import EncoderDelta
from adapters.encoder.config import EncoderSettings
from adapters.errors import AdapterError
from adapters.intent import persist
from adapters.intent.classifier import CLASSIFIER_FOLDER, EnsembleClassifier, TrainedClassifier, TunedEncoder
from adapters.intent.config import IntentDefinition, load_definitions
from adapters.layout import read_manifest
from adapters.registry import Registry
from adapters.types import AdapterVersion, Encoder, Generator, Task
from bot.config import Folders, Settings
from bot.errors import BotError
from bot.intent_rows import TrainedRows, keep_rows
from bot.store.backup import backup as backup_store
from bot.store.backup import restore as restore_store
from bot.store.check import Finding
from bot.store.check import check as check_store
from bot.store.crypto import Keyring, load_key_file
from bot.store.migrate import head_revision
from bot.store.store import Store
from knowledge.index import IndexSettings
from knowledge.ingest import IngestReport, SourceReader
from knowledge.ingest import ingest as run_ingest
from knowledge.retrieve import Fusion, KnowledgeBase, RetrievalMode, RetrievalSettings
from knowledge.types import DEFAULT_COLLECTION, Passage, SourceLimits
from training.base_adapter import BaseAdapter
from training.train_generator import GeneratorEpoch
from training.types import ClassifierTraining, EpochReport, IntentReport, OnEpoch, TrainConfig

__all__ = ["BaseAdapter", "ClassifierTraining", "EpochReport", "GeneratorEpoch", "IntentReport", "Progress", "Wiring"]

Progress: TypeAlias = Callable[[int, int, str], None]  # done, total (0: unknown), what is being done


@dataclass(frozen=True)
class Wiring:
    """Everything that one set of settings builds; parts are made when they are first asked for."""

    settings: Settings
    folders: Folders
    progress: Progress
    alone: bool = False  # nobody is answered meanwhile: a model may take all cores

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
        store.audit.keep = timedelta(days=self.settings.store.keep_audit_days)
        revision = store.revision()
        if revision is None:
            store.migrate()
        elif revision != head_revision():
            store.close()
            raise BotError(
                "The store was made by an older version of Burnish; back it up with `burnish store backup FOLDER`, "
                "then run `burnish store migrate`."
            )
        return store

    # -- models

    def _fetch(self, source: str) -> Path:
        def report(activity: str, done: int, total: int | None) -> None:
            self.progress(done, total or 0, activity)

        return bases.resolve(source, cache=self.folders.cache, progress=report)

    @cached_property
    def encoder(self) -> Encoder:
        """The sentence encoder, fetched if need be."""
        from adapters.encoder.model import SentenceEncoder

        return SentenceEncoder(self.encoder_folder, self._encoder_settings)

    @property
    def encoder_folder(self) -> Path:
        """The sentence encoder's weights, fetched if need be."""
        return self._fetch(self.settings.models.encoder)

    def encoder_with(self, delta: EncoderDelta) -> Encoder:
        """The sentence encoder with what tuning added to it; blocks for a second or two.

        Raises:
            AdapterError: The delta belongs to another model.
        """
        from adapters.encoder.model import SentenceEncoder

        return SentenceEncoder(self.encoder_folder, self._encoder_settings, delta=delta)

    @property
    def _threads(self) -> int:
        """Of each model; 0: torch's own choice, all cores."""
        return self.settings.models.threads or (0 if self.alone else automatic_threads())

    @property
    def _encoder_settings(self) -> EncoderSettings:
        models = self.settings.models
        return EncoderSettings(device=models.device, dtype=models.dtype, threads=self._threads)

    @cached_property
    def generator_folder(self) -> Path | None:
        """The language model's weights, fetched if need be; None where it runs elsewhere."""
        source = self.settings.models.generator
        return None if isinstance(bases.parse_source(source), bases.EndpointSource) else self._fetch(source)

    def load_generator(self, version: AdapterVersion | None) -> Generator:
        """The language model with a version of its adapter, or bare; blocks for seconds.

        Raises:
            AdapterError: It cannot be loaded.
        """
        from adapters.generator.config import GeneratorSettings
        from adapters.generator.model import LocalGenerator

        models = self.settings.models
        settings = GeneratorSettings(
            device=models.device,
            dtype=models.dtype,
            threads=self._threads,
            max_batch=models.max_batch,
            max_waiting=models.max_queue,
        )
        folder = self._fetch(models.generator)
        return LocalGenerator(folder, settings, adapter=version.folder if version else None)

    def remote_generator(self) -> Generator:
        """The language model at an endpoint.

        Raises:
            AdapterError: The settings name none.
        """
        from adapters.generator.openai import OpenAIGenerator

        models = self.settings.models
        source = bases.parse_source(models.generator)
        if not isinstance(source, bases.EndpointSource):
            raise AdapterError(f"{models.generator} is no endpoint; expected openai:URL#MODEL.")
        return OpenAIGenerator(source.url, source.model, api_key=models.generator_api_key.get_secret_value())

    # -- adapter versions

    @cached_property
    def registry(self) -> Registry:
        """The adapter versions."""
        return Registry(self.folders.versions)

    def versions(self) -> tuple[AdapterVersion, ...]:
        """All versions of all tasks."""
        return tuple(version for task in Task for version in self.registry.versions(task))

    def add_version(self, task: Task, folder: Path) -> AdapterVersion:
        """Add a finished adapter as a candidate.

        Raises:
            BotError: It could not serve: it is for another model.
        """
        manifest = read_manifest(folder)
        models = self.settings.models
        if task is Task.GENERATOR:
            below, base = models.generator, bases.fingerprint(self._fetch(models.generator))
        else:
            below, base = models.encoder, self.encoder.name
        if manifest is not None and manifest.base != base:
            raise BotError(f"{folder} was not trained on the model in the settings ({below}); it could not serve.")
        return self.registry.add_candidate(task, folder)

    @property
    def followed(self) -> tuple[Task, ...]:
        """The tasks whose versions can serve with these settings."""
        learns = self.settings.models.adapter != "none" and self.generator_folder is not None
        return tuple(task for task in Task if learns or task is not Task.GENERATOR)

    def train_base_adapter(
        self, data: Path, folder: Path, chosen: Mapping[str, Any], *, on_epoch: Callable[[GeneratorEpoch], None]
    ) -> BaseAdapter:
        """Train the generator's base adapter from scratch."""
        from training.base_adapter import train_base_adapter
        from training.train_generator import GeneratorTrainConfig

        source = self.settings.models.generator
        return train_base_adapter(
            self._fetch(source),
            data,
            folder,
            source=source,
            config=GeneratorTrainConfig(**chosen),
            now=datetime.now(UTC),
            on_step=lambda step, steps, loss: self.progress(step, steps, f"training, loss {loss:.2f}"),
            on_epoch=on_epoch,
        )

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

    def classifier(self) -> TrainedClassifier:
        """The trained one if there is one for this encoder, else a head made from the definitions' examples."""
        return self._trained("trained") or self._few_shot_head()

    def _trained(self, name: str) -> TrainedClassifier | None:
        folder = self.folders.intents / name
        return persist.load(folder, encoder=self.encoder.name, tuned=self._tuned_encoder) if folder.exists() else None

    def classifier_in(self, folder: Path) -> TrainedClassifier:
        """The classifier in an adapter version's folder.

        Raises:
            AdapterError: The folder holds none, or one for another encoder.
        """
        found = persist.load(folder / CLASSIFIER_FOLDER, encoder=self.encoder.name, tuned=self._tuned_encoder)
        if found is None:
            raise AdapterError(f"{folder} holds no intent classifier.")
        return found

    def _tuned_encoder(self, delta_folder: Path) -> TunedEncoder:
        from adapters.encoder.adapter import load_delta

        delta = load_delta(delta_folder, base=bases.fingerprint(self.encoder_folder))
        return TunedEncoder(encoder=self.encoder_with(delta), delta=delta)

    def _few_shot_head(self) -> TrainedClassifier:
        """Made once per encoder and set of definitions; encoding the examples takes seconds."""
        identity = repr((self.encoder.name, self.definitions))
        name = f"few-shot-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
        if (known := self._trained(name)) is not None:
            return known
        from training.few_shot import few_shot

        self.progress(0, 0, "learning the intents from their examples")
        head = few_shot(self.definitions, self.encoder)
        persist.save(head, self.folders.intents / name)
        return head

    @property
    def has_tuned_intents(self) -> bool:
        """Whether the trained classifier has a tuned encoder."""
        return persist.has_tuned_encoder(self.folders.intents / "trained")

    def train_intents(
        self,
        file: Path,
        chosen: Mapping[str, Any],
        *,
        builtin: bool,
        plot: Path | None,
        on_epoch: OnEpoch,
        tune: Mapping[str, Any] | None = None,
        on_tuned_epoch: OnEpoch = lambda _: None,
        refit: bool = False,
    ) -> ClassifierTraining:
        """Train the intent classifier on a file and put it in force.

        Args:
            file: Of examples.
            chosen: Fields of `TrainConfig`.
            builtin: Whether to train on the built-in examples too.
            plot: Where the head's loss curve goes; None for nowhere.
            on_epoch: Told after each epoch of the head.
            tune: Fields of `TuneConfig`, to tune an encoder as well; None not to.
            on_tuned_epoch: Told after each epoch of tuning.
            refit: Keep the tuned encoder and the words of the trained classifier; the heads alone are trained.
        """
        from training.dataset import load_rows
        from training.intents import Tuning, train_from_file
        from training.plots import plot_loss
        from training.tune_encoder import TuneConfig

        now = datetime.now(UTC)
        tuning = (
            Tuning(
                folder=self.encoder_folder,
                config=TuneConfig(**tune),
                settings=self._encoder_settings,
                on_epoch=on_tuned_epoch,
            )
            if tune is not None
            else None
        )
        training = train_from_file(
            file,
            self.encoder,
            config=TrainConfig(**chosen),
            now=now,
            on_epoch=on_epoch,
            progress=self.progress,
            builtin=builtin,
            tuning=tuning,
            kept=self._trained("trained") if refit else None,
        )
        folder = self.folders.intents / "trained"
        trained = TrainedRows(classifier=training.classifier.name, builtin=builtin, rows=load_rows(file))
        keep_rows(self.folders.intents, trained)
        self.registry.retire(Task.INTENT)  # what was learned from ratings stood on the classifier before
        if isinstance(training.classifier, EnsembleClassifier):
            persist.save_ensemble(training.classifier, folder, created_at=now)
        else:
            persist.save(training.classifier, folder)
        if plot is not None:
            plot_loss(training.head.epochs, plot)
        return training

    def evaluate_intents(self, file: Path, *, every_row: bool, seed: int, picture: Path) -> IntentReport:
        """Measure the intent classifier in force on a file."""
        import numpy as np

        from training.intents import evaluate_from_file
        from training.plots import plot_confusion

        report = evaluate_from_file(
            file,
            self.classifier(),
            self.encoder,
            config=TrainConfig(),
            rng=np.random.default_rng(seed),
            progress=self.progress,
            every_row=every_row,
        )
        plot_confusion(report, picture)
        return report

    # -- knowledge

    def open_knowledge(self, store: Store) -> KnowledgeBase:
        """Load the search index and bring it up to the store's state."""
        knowledge = self.settings.knowledge
        settings = RetrievalSettings(
            mode=RetrievalMode(knowledge.mode),
            top_k=knowledge.top_k,
            fusion=Fusion(knowledge.fusion),
            rrf_k=knowledge.rrf_k,
            index=IndexSettings(exact_limit=knowledge.exact_limit),
        )
        base = KnowledgeBase.open(store.knowledge, self.encoder, self.folders.index, settings, self.progress)
        base.save()
        return base

    def ingest(self, named: Sequence[str], *, collection: str, progress: Progress | None = None) -> IngestReport:
        """Take documents in; told of its progress, whoever asked for it instead of the program's own display."""
        settings = self.settings.knowledge
        limits = SourceLimits(
            max_megabytes=settings.max_file_megabytes,
            page_seconds=settings.web_timeout_seconds,
            allow_private=settings.allow_private_addresses,
        )
        reader = SourceReader(
            collection=collection,
            count_tokens=self.encoder.count_tokens,
            target_tokens=settings.chunk_tokens,
            max_tokens=round(1.2 * settings.chunk_tokens),  # titles included
            limits=limits,
        )
        with self.open_store() as store:
            return run_ingest(
                named,
                store=store.knowledge,
                encoder=self.encoder,
                reader=reader,
                lock_file=self.folders.home / "ingest.lock",
                progress=progress or self.progress,
            )

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
        keyring = self.keyring if own_key else (_key_from(source, self.folders.key_file) or self.keyring)
        restore_store(source, self.store_url, keyring, force=force)


KEY_IN_BACKUP = "store.key"
EXAMPLE_SOURCES = ("help-centre", "faq.csv")


def example_folder() -> Path:
    """Where the example knowledge lies: inside the installed package, or beside it in a checkout."""
    here = Path(__file__).parent
    for folder in (here / "examples", here.parent / "examples"):
        if all((folder / name).exists() for name in EXAMPLE_SOURCES):
            return folder
    raise BotError("The example knowledge is not installed; take your own documents in with `burnish ingest FOLDER`.")


def _key_from(backup: Path, key_file: Path) -> Keyring | None:
    """Bring the key file that lies in a backup to its place; None if there is none in it."""
    copy = backup / KEY_IN_BACKUP
    if not copy.is_file():
        return None
    key_file.parent.mkdir(parents=True, exist_ok=True)
    Keyring.parse(copy.read_text(encoding="utf-8"), origin=f"the key file {copy}")
    temporary = key_file.with_name(f".{key_file.name}.restored")
    shutil.copyfile(copy, temporary)
    temporary.chmod(0o600)
    temporary.replace(key_file)
    return load_key_file(key_file)
