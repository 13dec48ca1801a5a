"""The questions and documents that benchmarks/retrieval.py measures on; they are not part of the project."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from knowledge.sources import parse
from knowledge.types import Chunk, ChunkKind, Document, Found, Section

DATA = Path(os.environ.get("BENCH_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question and the documents that answer it."""

    text: str
    relevant: frozenset[str]
    collection: str
    official: bool | None = None  # of the set's own test half; None where only the other half lies there

    @property
    def dev(self) -> bool:
        """Whether settings may be chosen on it, and models trained."""
        if self.official is not None:
            return not self.official
        return self.hashed % 2 == 0

    @property
    def hashed(self) -> int:
        """A number from 0 to 255 that has nothing to do with what it says."""
        return hashlib.sha256(self.text.encode()).digest()[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Chunks, each with the document it counts for, and queries."""

    name: str
    chunks: tuple[Chunk, ...]
    documents: tuple[str, ...]  # of the chunks
    collections: tuple[str, ...]  # of the chunks
    queries: tuple[Query, ...]
    per_collection: bool = False


Cutter: TypeAlias = Callable[[Document], tuple[Chunk, ...]]
Loader: TypeAlias = Callable[[Cutter], Iterator[Task]]


def rows(name: str) -> list[dict[str, Any]]:
    """Read one gzipped file of JSON lines."""
    path = DATA / f"{name}.jsonl.gz"
    if not path.is_file():
        raise SystemExit(f"There is no {path}: set BENCH_DATA to the folder with the benchmark data.")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def relevant_of(name: str, file: str = "qrels") -> dict[str, frozenset[str]]:
    """Map each query's id to its relevant documents."""
    found: dict[str, set[str]] = {}
    for row in rows(f"{name}/{file}"):
        found.setdefault(row["query"], set()).add(row["doc"])
    return {query: frozenset(documents) for query, documents in found.items()}


def questions_of(name: str, language: str = "") -> tuple[Query, ...]:
    """A set's questions that have a relevant document, with those of its official test half if they lie there."""
    has_test = (DATA / name / "test_queries.jsonl.gz").is_file()
    found: list[Query] = []
    for prefix in ("", "test_") if has_test else ("",):
        relevant = relevant_of(name, f"{prefix}qrels")
        found += [
            Query(
                text=row["text"],
                relevant=relevant[row["id"]],
                collection=row.get("collection", ""),
                official=bool(prefix) if has_test else None,
            )
            for row in rows(f"{name}/{prefix}queries")
            if row["id"] in relevant and language in {"", row.get("lang", language)}
        ]
    return tuple(found)


def plain(title: str, text: str) -> Document:
    """Make a document of a text without headings of its own."""
    section = Section(title_path=(), anchor="", text=text)
    return Document(
        source="", uri="", collection="", title=title, language="und",
        media_type="text/plain", digest="", sections=(section,), pairs=(),
    )  # fmt: skip


def parsed(uri: str, text: str, media_type: str) -> Document | None:
    """Read a document as ingest does."""
    found = Found(source="", uri=uri, media_type=media_type, digest="", remarks=(), content=text.encode())
    return parse(found, collection="").document


def task(
    name: str,
    documents: Sequence[tuple[str, str, Document]],
    queries: Sequence[Query],
    cut: Cutter,
    *,
    per_collection: bool = False,
) -> Task:
    """Cut (id, collection, document) triples into a task."""
    pieces = [(piece, key, collection) for key, collection, document in documents for piece in cut(document)]
    return Task(
        name=name,
        chunks=tuple(piece for piece, _, _ in pieces),
        documents=tuple(key for _, key, _ in pieces),
        collections=tuple(collection for _, _, collection in pieces),
        queries=tuple(queries),
        per_collection=per_collection,
    )


def feedbackqa(cut: Cutter) -> Iterator[Task]:
    """Four health authorities' pages; pooled, and each alone as access would have it."""
    documents = [(row["id"], row["collection"], plain(row["title"], row["text"])) for row in rows("feedbackqa/corpus")]
    pooled = task("feedbackqa pooled", documents, questions_of("feedbackqa"), cut)
    yield pooled
    yield replace(pooled, name="feedbackqa per collection", per_collection=True)


def squad(cut: Cutter) -> Iterator[Task]:
    """Whole articles, cut anew: a chunk counts if it holds an answer of the question's own article."""
    articles: dict[str, list[str]] = {}
    article_of: dict[str, str] = {}
    for row in rows("squad2_en/passages"):
        articles.setdefault(row["title"], []).append(row["text"])
        article_of[row["id"]] = row["title"]
    pieces: list[tuple[Chunk, str, str]] = []
    for title, texts in articles.items():
        for number, piece in enumerate(cut(plain(title.replace("_", " "), "\n\n".join(texts)))):
            pieces.append((piece, f"{title}:{number}", title))
    queries = []
    for row in rows("squad2_en/qa"):
        if row["answerable"]:
            title = article_of[row["doc"]]
            holding = {key for piece, key, of in pieces if of == title and any(a in piece.text for a in row["answers"])}
            queries.append(Query(text=row["question"], relevant=frozenset(holding), collection=title))
    yield Task(
        name="squad2 articles",
        chunks=tuple(piece for piece, _, _ in pieces),
        documents=tuple(key for _, key, _ in pieces),
        collections=tuple(title for _, _, title in pieces),
        queries=tuple(queries),
    )


def manual(name: str, media_type: str, language: str, pages: int | None) -> Loader:
    """Product documentation, parsed as ingest does; FAQ questions, whose answers link to the relevant pages."""

    def load(cut: Cutter) -> Iterator[Task]:
        queries = questions_of(name, language)
        needed = frozenset().union(*(query.relevant for query in queries))
        read = [row for row in rows(f"{name}/corpus") if row["lang"] == language]
        read.sort(key=lambda row: (row["id"] not in needed, hashlib.sha256(row["id"].encode()).digest()))
        documents = []
        for row in read[:pages]:
            document = parsed(row["id"], row["text"], media_type)
            if document is not None:
                documents.append((row["id"], "", replace(document, title=row["title"] or document.title)))
        yield task(f"{name} ({len(documents)} pages)", documents, queries, cut)

    return load


def bank_faq(_cut: Cutter) -> Iterator[Task]:
    """A Chinese bank's FAQ, each entry a curated pair, and questions that people asked it."""
    name = "esun_bank_faq_zh"
    entries = rows(f"{name}/faq")
    chunks = tuple(pair(row["question"], row["answer"]) for row in entries)
    yield Task(
        name="esun bank FAQ",
        chunks=chunks,
        documents=tuple(row["doc"] for row in entries),
        collections=("",) * len(entries),
        queries=questions_of(name),
    )


def policy_faq(cut: Cutter) -> Iterator[Task]:
    """Chinese policies: which of all answers belongs to a question; the questions themselves are not searched."""
    entries = rows("ncp_policy_faq_zh/faq")
    # Equal answers are one document.
    documents = [(key, "", plain("", key)) for key in dict.fromkeys(row["answer"].strip() for row in entries)]
    queries = [
        Query(text=row["question"], relevant=frozenset((row["answer"].strip(),)), collection="") for row in entries
    ]
    yield task("ncp policy answers", documents, queries, cut)


def pair(question: str, answer: str) -> Chunk:
    """Make a curated chunk."""
    return Chunk(ordinal=0, kind=ChunkKind.CURATED, title_path=(), anchor="", question=question, text=answer)
