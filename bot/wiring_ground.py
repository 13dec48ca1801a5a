"""The composition root of the generator's training: what it goes on from, and what it may read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from adapters.examples import RatingId
from adapters.generator.prompt import Evidence
from adapters.layout import read_manifest
from adapters.lineage import Lineage
from adapters.registry import Registry
from adapters.types import AdapterVersion, Task
from bot.errors import BotError
from bot.learning.regression import load_suite
from bot.wiring import Wiring, example_folder
from knowledge.curated import TAUGHT
from knowledge.types import StoredChunk
from training.ground import Ground
from training.rehearsal import example_questions
from training.splits import feedback_side, normalised
from training.types import Candidate, OnTrainStep, Split


def train_on_documents(wiring: Wiring, folder: Path, *, on_step: OnTrainStep) -> tuple[AdapterVersion, Candidate]:
    """Let the generator read the documents, and add what comes of it as a candidate.

    Args:
        wiring: Of the settings.
        folder: A new one, for the adapter.
        on_step: Told after each step.

    Raises:
        BotError: The language model runs elsewhere.
        TooFewError: The documents are too short.
    """
    from training.domain import DomainConfig, train_domain

    with wiring.open_store() as store:
        documents = to_read(store.knowledge.load_chunks())
    ground = ground_of(wiring, wiring.registry.active(Task.GENERATOR))
    seed = wiring.settings.learning.seed
    candidate = train_domain(documents, ground, folder, DomainConfig(seed=seed), now=datetime.now(UTC), on_step=on_step)
    manifest = read_manifest(candidate.folder)
    if manifest is None:
        raise BotError(f"What was trained for the {candidate.task.value} is not complete.")
    lineage = Lineage(
        ratings=inherited(wiring.registry, ground.parent_name),
        examples_digest="",
        parent=ground.parent_name,
        base=manifest.base,
        code=version("burnish"),
        seed=seed,
    )
    report = {"training": dict(candidate.metrics)}
    return wiring.registry.add_candidate(Task.GENERATOR, folder, lineage=lineage, report=report), candidate


def to_read(chunks: Iterable[StoredChunk]) -> dict[str, list[str]]:
    """The texts of each document by its uri, without what was taught in chat.

    Those are people's words, some of them answers to questions that the gate asks; ratings and corrections are learned
    from as such, by rules of their own, and unlearned.
    """
    documents: dict[str, list[str]] = {}
    for stored in chunks:
        if stored.source != TAUGHT:
            documents.setdefault(stored.uri, []).append(stored.chunk.text)
    return documents


def ground_of(wiring: Wiring, serving: AdapterVersion | None) -> Ground:
    """What a training of the generator stands on.

    Raises:
        BotError: The language model runs elsewhere.
    """
    base = wiring.generator_folder
    if base is None:
        raise BotError("The language model runs elsewhere; it cannot be trained here.")
    parent = grown_from(wiring.registry, serving)
    return Ground(
        base=base,
        source=wiring.settings.models.generator,
        parent=parent.folder if parent is not None else None,
        parent_name=parent.name if parent is not None else "",
        regression=rehearsed(),
    )


def grown_from(registry: Registry, serving: AdapterVersion | None) -> AdapterVersion | None:
    """The generator's version whose weights training goes on from: what serves, unless somebody in it is forgotten.

    Then it is the last one before it of which that is not so; None for the bare model.
    """
    if serving is None or not serving.stale:
        return serving
    before = registry.served(Task.GENERATOR)
    return next((one for one in before if not one.stale and one.base == serving.base), None)


def inherited(registry: Registry, parent: str) -> tuple[RatingId, ...]:
    """The ratings that are in a generator's version, "" for none, and so in what goes on from its weights."""
    lineage = registry.lineage(Task.GENERATOR, parent) if parent else None
    return lineage.ratings if lineage is not None else ()


def rehearsed() -> tuple[tuple[str, Evidence], ...]:
    """Questions that must not be forgotten, but for those that the gate asks and those of the side that decides."""
    asked = {normalised(case.question) for case in load_suite().cases}
    return tuple(
        (question, evidence)
        for question, evidence in example_questions(example_folder())
        if normalised(question) not in asked and feedback_side(question) is not Split.TEST
    )
