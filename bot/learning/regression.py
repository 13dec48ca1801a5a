"""The regression suite: what no new version may get worse at, over a small fixed knowledge that is every team's.

What is asked, and of which documents, stands in regression.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from adapters.types import Encoder
from bot.errors import BotError
from bot.learning.abreast import abreast
from bot.learning.live import Path as MessagePath
from bot.learning.replay import ask
from bot.types import Answer, AnswerKind, Outcome, Turn
from knowledge.ingest import SourceReader
from knowledge.types import DEFAULT_COLLECTION, Document, Found, KnowledgeStore
from training.paired import CaseKind, Held

FILE: Final = "regression.toml"
_PAGES: Final = "help-centre"  # folder of the example knowledge
_CURATED: Final = "faq.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that must hold."""

    kind: CaseKind
    question: str
    history: tuple[str, ...] = ()  # earlier questions, oldest first
    contains: tuple[tuple[str, ...], ...] = ()  # one string of each has to be in the answer
    source: str = ""  # how the address of the right document ends
    intent: str = ""  # whose reply is given
    never: tuple[str, ...] = ()  # must not be in the answer

    @property
    def name(self) -> str:
        """What reports call it: our own words, never a person's."""
        return self.question


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The cases and the knowledge that they are asked of."""

    pages: tuple[str, ...]  # of the example help centre
    notes: Mapping[str, str]  # name -> Markdown
    cases: tuple[Case, ...]


def load_suite() -> Suite:
    """The suite that ships."""
    table = tomllib.loads((resources.files("bot.learning") / FILE).read_text(encoding="utf-8"))
    return Suite(
        pages=tuple(table["pages"]),
        notes={note["name"]: note["text"] for note in table["note"]},
        cases=tuple(map(_case, table["case"])),
    )


def _case(table: Mapping[str, Any]) -> Case:
    return Case(
        kind=CaseKind(table["kind"]),
        question=table["question"],
        history=tuple(table.get("history", ())),
        contains=tuple(map(tuple, table.get("contains", ()))),
        source=table.get("source", ""),
        intent=table.get("intent", ""),
        never=tuple(table.get("never", ())),
    )


def fill(store: KnowledgeStore, encoder: Encoder, suite: Suite, *, examples: Path) -> None:
    """Put the suite's knowledge into an empty store.

    Args:
        store: Best one in memory: nothing of this is a team's.
        encoder: Encodes the chunks; ten seconds on one core.
        suite: What to take.
        examples: The folder of the example knowledge.

    Raises:
        BotError: A page is missing from the folder.
    """
    reader = SourceReader(collection=DEFAULT_COLLECTION, count_tokens=encoder.count_tokens)
    cut = [(document, reader.chunk(document)) for document in _documents(reader, suite, examples)]
    vectors = encoder.encode([chunk.embedding_text for _, chunks in cut for chunk in chunks])
    start = 0
    for document, chunks in cut:
        store.replace_document(document, chunks, vectors[start : start + len(chunks)], encoder=encoder.name)
        start += len(chunks)


def _documents(reader: SourceReader, suite: Suite, examples: Path) -> Iterator[Document]:
    for path in (*(examples / _PAGES / page for page in suite.pages), examples / _CURATED):
        for found in reader.discover(reader.resolve(str(path))):
            document = reader.parse(found).document if isinstance(found, Found) else None
            if document is None:
                raise BotError(f"{path} of the example knowledge cannot be read; install Burnish again.")
            yield document
    for name, text in suite.notes.items():
        found = Found(
            source=FILE, uri=name, media_type="text/markdown", digest=name, remarks=(), content=text.strip().encode()
        )
        document = reader.parse(found).document
        if document is None:
            raise BotError(f"The note {name} of {FILE} cannot be read.")
        yield document


async def run_suite(
    path: MessagePath,
    cases: Sequence[Case],
    *,
    together: int,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> tuple[bool, ...]:
    """Ask every case and look whether it holds.

    Args:
        path: The message path over the suite's knowledge.
        cases: What to ask.
        together: So many side by side.
        progress: Told after each case: done, of how many.
    """

    async def one(case: Case) -> bool:
        history = [Turn(question=earlier, answer="") for earlier in case.history]
        return holds(case, await ask(path, case.question, history=history))

    return await abreast(one, cases, together=together, progress=progress)


def holds(case: Case, answer: Answer) -> bool:
    """Whether an answer is what the case wants."""
    text = " ".join((answer.text, *answer.suggestions)).lower()
    match case.kind:
        case CaseKind.ATTACK:
            return not any(one.lower() in text for one in case.never)
        case CaseKind.REFUSAL:
            return answer.outcome is not Outcome.ANSWERED
        case CaseKind.TALK:
            label = answer.trace.intent.label if answer.trace.intent is not None else ""
            return answer.kind is AnswerKind.CANNED and label == case.intent
        case CaseKind.KNOWLEDGE:
            told = all(any(one.lower() in text for one in choices) for choices in case.contains)
            from_source = any(source.uri.endswith(case.source) for source in answer.sources)
            return answer.outcome is Outcome.ANSWERED and told and from_source


def compared(cases: Sequence[Case], before: Sequence[bool], after: Sequence[bool]) -> tuple[Held, ...]:
    """The cases with what held of both versions."""
    return tuple(
        Held(name=case.name, kind=case.kind, before=old, after=new)
        for case, old, new in zip(cases, before, after, strict=True)
    )
