"""Knowledge bases with questions that they answer and questions that they do not; not part of the project."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from adapters.encoder.model import SentenceEncoder
from benchmarks.tasks import parsed, plain, rows
from bot.confidence import Features, answerability, features
from bot.extract import lines
from bot.prompts import resolve_follow_up
from bot.types import Turn
from bot.words import has_han
from knowledge.chunking import chunk
from knowledge.ingest import SourceReader
from knowledge.retrieve import KnowledgeBase
from knowledge.testing import MemoryStore
from knowledge.types import Document, Found, Matrix, Passage, Vector

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SEED = 3
READ = 25  # passages read for a question, so that enough are left when its own document is taken out
TOP_K = 5  # passages that the bot would see


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question to a knowledge base, and what should become of it."""

    text: str
    document: str  # uri of the document that answers it, "" if none is known
    kind: str  # "answerable", "adversarial" (on topic, not answered) or "foreign" (of another knowledge base)
    test: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What retrieval made of a question."""

    base: str
    kind: str  # as Question's, or "removed": the answering document was taken out
    test: bool
    text: str
    features: Features
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A knowledge base and the questions to it."""

    name: str
    documents: tuple[Document, ...]
    questions: tuple[Question, ...]


def on_test_side(key: str) -> bool:
    """Which side a question or an article is on."""
    return sha256(key.encode()).digest()[-1] % 2 == 1


def squad(rng: random.Random, size: int = 1400) -> Base:
    """Encyclopedia paragraphs; half of the questions have no answer in theirs."""
    titles = {row["id"]: row["title"] for row in rows("squad2_en/passages")}
    documents = tuple(
        named(plain(row["title"].replace("_", " "), row["text"]), row["id"]) for row in rows("squad2_en/passages")
    )
    asked = rng.sample(rows("squad2_en/qa"), size)
    return Base(
        name="squad2_en",
        documents=documents,
        questions=tuple(
            Question(
                text=row["question"],
                document=row["doc"] if row["answerable"] else "",
                kind="answerable" if row["answerable"] else "adversarial",
                test=on_test_side(titles[row["doc"]]),
            )
            for row in asked
        ),
    )


def feedbackqa(rng: random.Random) -> Iterator[Base]:
    """The pages of four health authorities, each its own knowledge base."""
    answers = {row["query"]: row["doc"] for row in rows("feedbackqa/qrels")}
    for name in ("Australia", "CDC", "UK", "WHO"):
        asked = rng.sample([row for row in rows("feedbackqa/queries") if row["collection"] == name], 250)
        yield Base(
            name=f"feedbackqa {name}",
            documents=tuple(
                named(plain(row["title"], row["text"]), row["id"])
                for row in rows("feedbackqa/corpus")
                if row["collection"] == name
            ),
            questions=tuple(
                Question(
                    text=row["text"], document=answers[row["id"]], kind="answerable", test=on_test_side(row["text"])
                )
                for row in asked
            ),
        )


def manual(name: str, media_type: str, language: str, pages: int) -> Base:
    """A product's documentation with its own FAQ's questions; what answers them is known for a few only."""
    linked = {row["query"]: row["doc"] for row in rows(f"{name}/qrels")}
    read = [row for row in rows(f"{name}/corpus") if row["lang"] == language]
    read.sort(key=lambda row: (row["id"] not in linked.values(), sha256(row["id"].encode()).digest()))
    documents = (parsed(row["id"], row["text"], media_type) for row in read[:pages])
    return Base(
        name=f"{name} {language}",
        documents=tuple(document for document in documents if document is not None),
        questions=tuple(
            Question(text=row["question"], document=linked.get(row["id"], ""), kind="answerable", test=True)
            for row in rows(f"{name}/faq")
            if row["lang"] == language
        ),
    )


def cmrc(rng: random.Random, size: int = 300) -> Base:
    """Chinese encyclopedia paragraphs."""
    return Base(
        name="cmrc2018_zh",
        documents=tuple(named(plain(row["title"], row["text"]), row["id"]) for row in rows("cmrc2018_zh/passages")),
        questions=tuple(
            Question(text=row["question"], document=row["doc"], kind="answerable", test=on_test_side(row["question"]))
            for row in rng.sample(rows("cmrc2018_zh/qa"), size)
        ),
    )


def foreign(bases: Sequence[Base], rng: random.Random) -> dict[str, list[str]]:
    """For each base, questions of other bases in its language, and of people who talk to a bank or to a speaker."""
    talk = [row["text"] for name in ("banking77/intents", "clinc150/oos") for row in rng.sample(rows(name), 120)]
    found: dict[str, list[str]] = {}
    for base in bases:
        family = base.name.split()[0].removesuffix("_zh")
        others = [
            question.text
            for other in bases
            if other.name.split()[0].removesuffix("_zh") != family
            for question in rng.sample(other.questions, min(40, len(other.questions)))
            if is_chinese(other) == is_chinese(base)
        ]
        found[base.name] = others + ([] if is_chinese(base) else talk)
    return found


def is_chinese(base: Base) -> bool:
    """Whether a base's questions are Chinese."""
    return has_han(base.questions[0].text)


def named(document: Document, uri: str) -> Document:
    """A document under the id that the data set gives it."""
    return replace(document, uri=uri)


def open_base(base: Base, encoder: SentenceEncoder, folder: Path) -> KnowledgeBase:
    """Cut, encode and index a base's documents as ingest does."""
    store = MemoryStore()
    cut = [(document, chunk(document, count_tokens=encoder.count_tokens)) for document in base.documents]
    vectors = encoder.encode([piece.embedding_text for _, pieces in cut for piece in pieces])
    start = 0
    for document, pieces in cut:
        store.replace_document(document, pieces, vectors[start : start + len(pieces)], encoder=encoder.name)
        start += len(pieces)
    return KnowledgeBase.open(store, encoder, folder)


def cases(base: Base, extra: Sequence[str], encoder: SentenceEncoder) -> Iterator[Case]:
    """Ask every question; those with a known document once more with that document taken out."""
    questions = [*base.questions] + [
        Question(text=text, document="", kind="foreign", test=on_test_side(text)) for text in extra
    ]
    vectors = encoder.encode([question.text for question in questions])
    with tempfile.TemporaryDirectory() as folder:
        knowledge = open_base(base, encoder, Path(folder))
        encoded = line_encoder(encoder)
        for question, vector in zip(questions, vectors, strict=True):
            found = knowledge.search(question.text, vector, top_k=READ)
            yield case(base.name, question, question.kind, found, nearness(vector, encoded))
            if question.document:
                left = [passage for passage in found if passage.stored.uri != question.document]
                yield case(base.name, question, "removed", left, nearness(vector, encoded))


def line_encoder(encoder: SentenceEncoder) -> Callable[[Passage], Matrix]:
    """Encode the lines of a passage; a passage that was met before is not encoded again."""
    known: dict[int, Matrix] = {}

    def encoded(passage: Passage) -> Matrix:
        if passage.stored.id not in known:
            known[passage.stored.id] = encoder.encode([line.embedding_text for line in lines([passage])])
        return known[passage.stored.id]

    return encoded


def nearness(vector: Vector, encoded: Callable[[Passage], Matrix]) -> Callable[[Sequence[Passage]], float]:
    """How near the nearest line of some passages is to a question."""
    return lambda passages: max((float((encoded(passage) @ vector).max()) for passage in passages), default=-1.0)


def case(
    base: str, question: Question, kind: str, found: Sequence[Passage], nearest: Callable[[Sequence[Passage]], float]
) -> Case:
    """Measure one question against what was found."""
    seen = found[:TOP_K]
    near = nearest(seen[:1] if has_han(question.text) else seen)  # as the pipeline reads them
    return Case(
        base=base,
        kind=kind,
        test=question.test,
        text=question.text,
        features=features(question.text, seen, near),
        score=answerability(question.text, seen, near),
    )


def examples(encoder: SentenceEncoder) -> Base:
    """The example help centre with its own questions; on some, the answering document is the FAQ file."""
    reader = SourceReader(collection="default", count_tokens=encoder.count_tokens)
    found = (item for name in ("help-centre", "faq.csv") for item in reader.discover(str(EXAMPLES / name)))
    documents = (reader.parse(item).document for item in found if isinstance(item, Found))
    return Base(
        name="examples",
        documents=tuple(document for document in documents if document is not None),
        questions=tuple(
            Question(
                text=as_searched(row),
                document=str(EXAMPLES / ("help-centre" if row["source"] != "faq.csv" else "") / row["source"])
                if row["expect"] == "answer"
                else "",
                kind="answerable" if row["expect"] == "answer" else "refuse",
                test=test,
            )
            for name, test in (("dev_questions", False), ("questions", True))
            for row in example_questions(name)
        ),
    )


def example_questions(name: str) -> list[dict[str, str]]:
    """The example knowledge's questions: dev_questions to tune on, questions to be tested with."""
    lines = (EXAMPLES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [{"source": "", "history": "", **json.loads(line)} for line in lines]


def as_searched(row: dict[str, str]) -> str:
    """A question as the bot would search for it, with the conversation before it."""
    return resolve_follow_up(row["question"], [Turn(question=said, answer="") for said in row["history"]])
