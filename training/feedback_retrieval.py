"""Retrieval learns from ratings: which passages answered which questions, and whether the documents answered at all.

Each part is kept only where it helps questions that it has not seen: links that are remembered, a residual on the
query's vector or a tuned encoder in its place, and the calibration of answerability. The knowledge base's own vectors
stay as they are.

Heavy: imports torch. Import it where retrieval is trained.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adapters.encoder.adapter import EncoderDelta
from adapters.examples import Examples, LinkExample, VerdictExample
from adapters.retrieval.config import Calibration
from adapters.retrieval.model import KnownPassage, LinkMemory, Links, QueryAdapter, RetrievalAdapter
from adapters.retrieval.persist import save
from adapters.types import Encoder, Matrix, Task
from knowledge.advice import located, text_digest
from knowledge.retrieve import KnowledgeBase
from training.answer_memory import remembered_answers
from training.errors import TooFewError
from training.feedback_encoder import Counted, EncoderLearner, texts_of
from training.nearness import Alike, learned_nearness
from training.retrieval_parts import (
    Asked,
    Part,
    RetrievalTrainConfig,
    aimed_scores,
    choose_kernel,
    compared,
    fit_calibration,
    fit_query,
    log_loss,
    of_rank,
)
from training.splits import fold_order, kept_back
from training.types import Candidate, OnTrainStep, TrainStep

Terms = Callable[[Mapping[str, float]], tuple[float, float, float]]
"""A trace's scores to what retrieval, head and likelihood give to the log odds; bot.confidence.terms."""

DEFAULT: Final = np.array([0.0, 1.0, 1.0, 1.0])  # Calibration() as numbers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Known:
    """Rated passages that are still there, and the links of questions to them."""

    questions: tuple[str, ...]
    passages: tuple[KnownPassage, ...]
    chunks: tuple[tuple[int, ...], ...]  # of the passages
    links: tuple[tuple[int, int, float], ...]  # question, passage, worth in [-1, 1]
    vectors: Matrix  # of the passages, (passages, dim)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Learned:
    """What links have taught."""

    query: QueryAdapter | None = None
    memory: LinkMemory | None = None
    tuned: EncoderDelta | None = None


def train_on_feedback(
    examples: Examples,
    folder: Path,
    config: RetrievalTrainConfig | None = None,
    *,
    knowledge: KnowledgeBase,
    encoder: Encoder,
    terms: Terms,
    alike: Alike,
    source: str,
    now: datetime,
    encoder_folder: Path | None = None,
    left_out: Callable[[str], bool] = kept_back,
    on_step: OnTrainStep = lambda _step: None,
) -> Candidate:
    """Train a retrieval adapter on what people said of passages and answers.

    Args:
        examples: Links, answers and verdicts count.
        folder: Where the adapter is written; must hold nothing yet.
        config: How.
        knowledge: What is searched, as it is now.
        encoder: Makes the questions' vectors; the knowledge base's own.
        terms: What the parts of answerability give by default.
        alike: Whether an answer says what another one says.
        source: Name of the run.
        now: Aware, UTC.
        encoder_folder: The encoder's weights, as adapters.bases.resolve gave them; None where it is not to be tuned.
        left_out: The questions that nothing is learned from: the test side, for what may serve.
        on_step: Told after each pass over the questions.

    Returns:
        A sealed candidate. Its metrics say how many parts paid ("parts"): one with 0 changes nothing; and how many
        chunks were too many to tune an encoder ("chunks too many"). The same arguments give the same files.

    Raises:
        TooFewError: There are neither links nor verdicts enough.
        AdapterError: The folder cannot be written.
    """
    config, started = config or RetrievalTrainConfig(), time.perf_counter()
    examples = examples.without(left_out)
    verdicts = examples.verdicts
    known = _known(examples.links, knowledge, encoder)
    answered = len({question for question, _, worth in known.links if worth > 0})
    if answered < config.least_questions and len(verdicts) < config.least_verdicts:
        raise TooFewError(answered, config.least_questions)
    curve: list[TrainStep] = []

    def told(step: TrainStep) -> None:
        curve.append(step)
        on_step(step)

    metrics: dict[str, float] = {"questions": len(known.questions), "links": len(known.links)}
    links = _Learned()
    if answered >= config.least_questions:
        tuning = _tuning(answered, config, knowledge, encoder_folder, metrics)
        links = _learn_links(known, config, knowledge, encoder, tuning, told=told, metrics=metrics)
    query, memory, tuned = links.query, links.memory, links.tuned
    calibration = Calibration()
    if config.calibration and len(verdicts) >= config.least_verdicts:
        calibration = _learn_verdicts(verdicts, config, terms, metrics)
        if calibration != Calibration():
            metrics["calibration shift"] = calibration.shift
    curated = _learn_nearness(examples, encoder, alike, metrics) if config.curated else None
    kept = (query is not None, memory is not None, tuned is not None, curated is not None)
    metrics["parts"] = sum((*kept, calibration != Calibration()))
    adapter = RetrievalAdapter(
        encoder=encoder.name,
        mentions=known.passages if memory else (),
        vectors=known.vectors if memory else known.vectors[:0],
        memory=memory,
        query=query,
        calibration=calibration,
        curated=curated,
        tuned=tuned,
        answers=None if curated is None else remembered_answers(examples.answers, encoder),
    )
    save(adapter, folder, source=source, created_at=now)
    return Candidate(
        task=Task.RETRIEVAL,
        folder=folder,
        examples=len(known.links) + len(verdicts),
        curve=tuple(curve),
        metrics=metrics,
        seconds=time.perf_counter() - started,
    )


def _known(links: Sequence[LinkExample], knowledge: KnowledgeBase, encoder: Encoder) -> _Known:
    """Find the passages again: by their words among all chunks, the others by meaning."""
    shown = {link.passage.key: link.passage for link in links}
    mentions = [KnownPassage(uri=one.uri, digest=text_digest(one.text)) for one in shown.values()]
    places: dict[KnownPassage, list[int]] = {mention: [] for mention in mentions}
    for stored in knowledge.chunks() if mentions else ():
        same = KnownPassage(uri=stored.uri, digest=text_digest(stored.chunk.text))
        if same in places:
            places[same].append(stored.id)
    lost = [number for number, mention in enumerate(mentions) if not places[mention]]
    if lost:
        texts = [f"{one.title}\n{one.text}" for one in (list(shown.values())[number] for number in lost)]
        for place, ids in located(knowledge, [mentions[number] for number in lost], encoder.encode(texts)).items():
            places[mentions[lost[place]]] += ids
    kept = {key: mention for key, mention in zip(shown, mentions, strict=True) if places[mention]}
    numbers = {key: number for number, key in enumerate(kept)}
    found = [link for link in links if link.passage.key in numbers]
    questions = {question: number for number, question in enumerate(dict.fromkeys(link.question for link in found))}
    chunks = tuple(tuple(places[mention]) for mention in kept.values())
    firsts = np.array([ids[0] for ids in chunks], dtype=np.int64)
    vectors = knowledge.landscape(firsts)
    return _Known(
        questions=tuple(questions),
        passages=tuple(kept.values()),
        chunks=chunks,
        links=tuple(
            (questions[one.question], numbers[one.passage.key], one.weight if one.good else -one.weight)
            for one in found
        ),
        vectors=vectors.vectors[np.searchsorted(vectors.ids, firsts)],
    )


def _tuning(
    answered: int,
    config: RetrievalTrainConfig,
    knowledge: KnowledgeBase,
    folder: Path | None,
    metrics: dict[str, float],
) -> Path | None:
    """The encoder to be tuned; None where it does not pay to try."""
    if not config.encoder or folder is None or answered < config.least_encoder_questions:
        return None
    if len(knowledge) > config.most_encoded:
        metrics["chunks too many"] = len(knowledge)
        return None
    return folder


def _learn_links(
    known: _Known,
    config: RetrievalTrainConfig,
    knowledge: KnowledgeBase,
    encoder: Encoder,
    tuning: Path | None,
    *,
    told: OnTrainStep,
    metrics: dict[str, float],
) -> _Learned:
    """Learn the residual or a tuned encoder, then what a memory adds; each is kept if questions left out gain."""
    asked, ids = _asked(known, config, knowledge, encoder)
    query, tuned, scores = None, None, asked.plain()
    if config.query:
        epochs, found, part = _cross_fit(asked, config, told)
        _note(metrics, "query", part)
        if part.pays(config.evidence):
            query, scores = _final(asked, config, epochs, told), found
            metrics["query epochs"] = epochs
    if tuning is not None:
        learner = EncoderLearner(asked, known.questions, texts_of(knowledge, ids), tuning, config)
        steps = Counted(config.encoder_epochs * (1 + config.encoder_turns(len(learner.rows))), told)
        tried = learner.tried(scores, steps)
        _note(metrics, "encoder", tried.part)
        if tried.part.pays(config.evidence):  # it learns what the residual does, and more: one of them
            query, tuned, scores = None, learner.learned(tried.epochs, steps), tried.scores
            metrics["encoder epochs"] = tried.epochs
    memory = None
    if config.memory:
        kernel, part = choose_kernel(asked, scores, config)
        _note(metrics, "memory", part)
        if kernel is not None:
            links = Links(
                questions=np.array([question for question, _, _ in known.links], dtype=np.int64),
                passages=np.array([passage for _, passage, _ in known.links], dtype=np.int64),
                worth=np.array([worth for _, _, worth in known.links], dtype=np.float32),
            )
            memory = LinkMemory(asked.vectors, links, kernel)
            metrics |= {"memory floor": kernel.floor, "memory strength": kernel.strength}
    return _Learned(query=query, memory=memory, tuned=tuned)


def _asked(
    known: _Known, config: RetrievalTrainConfig, knowledge: KnowledgeBase, encoder: Encoder
) -> tuple[Asked, NDArray[np.int64]]:
    """Lay the questions out over the passages of the index; over a sample of them where there are very many.

    Returns:
        The layout, and the passages' ids.
    """
    linked = {chunk for ids in known.chunks for chunk in ids}
    others = np.setdiff1d(knowledge.ids, np.array(sorted(linked), dtype=np.int64))
    room = max(0, config.most_passages - len(linked))
    if len(others) > room:
        others = np.random.default_rng(config.seed).choice(others, room, replace=False)
    landscape = knowledge.landscape(np.sort(np.concatenate([others, np.array(sorted(linked), dtype=np.int64)])))
    shape = (len(known.questions), len(landscape.ids))
    good, bad = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    for question, passage, worth in known.links:
        side = good if worth > 0 else bad
        for column in np.searchsorted(landscape.ids, known.chunks[passage]).tolist():
            side[question, column] = max(side[question, column], abs(worth))
    order = sorted(range(len(known.questions)), key=lambda row: fold_order(known.questions[row]))
    folds = np.zeros(len(order), dtype=np.int64)
    folds[order] = np.arange(len(order)) % config.folds
    asked = Asked(
        vectors=encoder.encode(known.questions),
        words=np.stack([landscape.words(question) for question in known.questions]),
        good=good,
        bad=bad,
        folds=folds,
        passages=landscape.vectors,
        typical=landscape.typical,
        nearness=landscape.nearness,
    )
    return asked, landscape.ids


def _cross_fit(asked: Asked, config: RetrievalTrainConfig, told: OnTrainStep) -> tuple[int, Matrix, Part]:
    """Learn with each fold left out in turn.

    Returns:
        How many epochs serve the questions left out best, the scores that they have then, and what they gain.
    """
    steps, temperature = config.epochs * (config.folds + 1), asked.temperature()
    before = asked.chance(asked.plain(), temperature)
    chances = np.zeros((config.epochs, len(before)))
    residuals: list[list[Matrix]] = []
    for fold in range(config.folds):
        rows = _answered(asked, asked.folds != fold)
        left = np.flatnonzero(asked.folds == fold).tolist()
        made: list[Matrix] = []

        def after(
            loss: float,
            residual: Matrix,
            left: list[int] = left,
            made: list[Matrix] = made,
            fold: int = fold,
        ) -> None:
            part = replace(asked, good=asked.good[left], bad=asked.bad[left])
            chances[len(made), left] = part.chance(aimed_scores(asked, residual, left), temperature)
            made.append(residual)
            told(TrainStep(step=fold * config.epochs + len(made), steps=steps, loss=loss))

        fit_query(asked, rows, config, after)
        residuals.append(made)
    parts = [compared(before, row, asked.weights) for row in chances]
    best = max(range(config.epochs), key=lambda epoch: parts[epoch].gain)
    scores = np.zeros_like(asked.words)
    for fold, made in enumerate(residuals):
        left = np.flatnonzero(asked.folds == fold).tolist()
        scores[left] = aimed_scores(asked, made[best], left)
    return best + 1, scores, parts[best]


def _final(asked: Asked, config: RetrievalTrainConfig, epochs: int, told: OnTrainStep) -> QueryAdapter:
    """Learn from all questions, for as many epochs as served those left out best."""
    done, steps = config.folds * config.epochs, (config.folds + 1) * config.epochs

    def after(loss: float, _residual: Matrix) -> None:
        nonlocal done
        done += 1
        told(TrainStep(step=done, steps=steps, loss=loss))

    residual = fit_query(asked, _answered(asked, asked.folds >= 0), replace(config, epochs=epochs), after)
    return of_rank(residual, config.rank)


def _answered(asked: Asked, among: NDArray[np.bool_]) -> list[int]:
    """The questions with a right passage."""
    return np.flatnonzero(among & (asked.good.max(axis=1) > 0)).tolist()


def _learn_verdicts(
    verdicts: Sequence[VerdictExample], config: RetrievalTrainConfig, terms: Terms, metrics: dict[str, float]
) -> Calibration:
    """Calibrate on verdicts; the defaults stay where those left out are not told better."""
    given = np.array([terms(one.scores) for one in verdicts], dtype=np.float64)  # (n, 3)
    answerable = np.array([float(one.answerable) for one in verdicts])
    weights = np.array([one.weight for one in verdicts])
    order = sorted(range(len(verdicts)), key=lambda row: fold_order(verdicts[row].question))
    folds = np.zeros(len(order), dtype=np.int64)
    folds[order] = np.arange(len(order)) % config.folds
    after = np.zeros(len(verdicts))
    for fold in range(config.folds):
        learn, left = folds != fold, folds == fold
        made = fit_calibration(given[learn], answerable[learn], weights[learn])
        after[left] = log_loss(given[left], answerable[left], _numbers(made))
    before = log_loss(given, answerable, DEFAULT)
    part = compared(-before, -after, weights.astype(np.float32))
    metrics |= {"verdicts": len(verdicts), "verdict loss before": float(before @ weights / weights.sum())}
    _note(metrics, "calibration", part)
    return fit_calibration(given, answerable, weights) if part.pays(config.evidence) else Calibration()


def _learn_nearness(examples: Examples, encoder: Encoder, alike: Alike, metrics: dict[str, float]) -> float | None:
    """From which similarity on the answer of one question answers another; None where nothing is proven."""
    known: dict[str, str] = {one.question: "" for one in examples.verdicts if not one.answerable}
    known |= {one.question: one.answer for one in examples.answers if one.liked and one.answer}
    known |= {one.question: one.better for one in examples.answers if one.better}
    questions = sorted(known)
    if not questions:
        return None
    found = learned_nearness(encoder.encode(questions), questions, [known[one] for one in questions], alike)
    metrics |= {"near pairs": found.pairs, "near pairs with the same answer": found.right}
    if found.similarity is not None:
        metrics["curated from"] = found.similarity
    return found.similarity


def _numbers(made: Calibration) -> NDArray[np.float64]:
    return np.array([made.shift, made.retrieval, made.head, made.likelihood])


def _note(metrics: dict[str, float], name: str, part: Part) -> None:
    metrics |= {f"{name} gain": part.gain, f"{name} error": part.error}
