"""A simulated team: what it knows, what it asks, what counts as a right answer, and what its people would say instead.

Three kinds, all on real documents: FeedbackQA's health authorities (questions of the crowd, some passages asked about
again and again), squad2_en (encyclopedia articles, a quarter of the questions not answered in them) and the example
help centre (each question in five wordings). Questions that are held out are never asked while the bot learns.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.questions import EXAMPLES, example_questions, named
from benchmarks.tasks import plain, rows
from bot.sentences import split_sentences
from bot.types import Answer, Outcome
from knowledge.types import Document
from training.base_sets import HELD_OUT_ARTICLES

AGAIN: Final = Path(__file__).with_name("example_again.jsonl")
TOPICS: Final = 60  # passages that a team of FeedbackQA keeps asking about
HELD_OUT: Final = 120  # questions at most
UNANSWERABLE: Final = 0.25  # of squad2_en's questions
_SAID: Final = 600  # characters of a correction


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something that somebody of the team asks."""

    text: str
    document: str  # how the uri of the document that answers it ends; "" if none does
    gold: tuple[tuple[str, ...], ...]  # one of each must be in a right answer; none: the document decides
    correction: str  # what a person who knows would say; "" where nobody does
    topic: str  # the same for those that ask the same thing, or about the same passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team with its documents and its questions."""

    name: str
    documents: tuple[Document, ...]
    files: tuple[Path, ...]  # taken in as they are, where there are no documents
    asked: tuple[Question, ...]  # in the order in which they come
    held_out: tuple[Question, ...]


def accepted(question: Question, answer: Answer) -> bool:
    """Whether an answer would satisfy somebody who knows."""
    if not question.document:
        return answer.outcome is not Outcome.ANSWERED
    if answer.outcome is not Outcome.ANSWERED:
        return False
    text = _plain(answer.text)
    if question.gold:
        return all(any(_plain(choice) in text for choice in choices) for choices in question.gold)
    if any(source.uri.endswith(question.document) for source in answer.sources):
        return True
    # a curated answer has a document of its own; it is right if it says what the right document says
    return bool(question.correction) and _plain(question.correction)[:80] in text


def teams(names: Sequence[str]) -> Mapping[str, Callable[[int], Team]]:
    """The kinds of team by name; each makes one from a seed."""
    known: dict[str, Callable[[int], Team]] = {"feedbackqa": feedbackqa, "squad2_en": squad, "examples": examples}
    return {name: known[name] for name in names}


def feedbackqa(seed: int, *, asked: int = 200) -> Team:
    """One authority's pages; questions about passages that are asked about at least four times."""
    rng = random.Random(seed)  # noqa: S311 - draws questions, nothing secret
    collection = ("Australia", "CDC", "UK", "WHO")[seed % 4]
    pages = {row["id"]: row for row in rows("feedbackqa/corpus") if row["collection"] == collection}
    answers = {row["query"]: row["doc"] for row in rows("feedbackqa/qrels")}
    by_page: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows("feedbackqa/queries"):
        if row["collection"] == collection:
            by_page[answers[row["id"]]].append(row["text"])
    often = sorted(page for page, texts in by_page.items() if len(set(texts)) >= 4)
    stream: list[Question] = []
    held_out: list[Question] = []
    for page in rng.sample(often, min(TOPICS, len(often))):
        texts = sorted(set(by_page[page]))
        rng.shuffle(texts)
        made = [
            Question(text=text, document=page, gold=(), correction=pages[page]["text"][:_SAID].strip(), topic=page)
            for text in texts
        ]
        held_out += made[: max(1, len(made) // 3)]
        stream += made[max(1, len(made) // 3) :]
    return Team(
        name=f"feedbackqa {collection}",
        documents=tuple(named(plain(row["title"], row["text"]), page) for page, row in pages.items()),
        files=(),
        asked=tuple(_stream(stream, asked, rng)),
        held_out=tuple(rng.sample(held_out, min(HELD_OUT, len(held_out)))),
    )


def squad(seed: int, *, asked: int = 200) -> Team:
    """The articles that the base adapter never saw; a held-out question is about the same passages, never the same."""
    rng = random.Random(seed)  # noqa: S311 - draws questions, nothing secret
    passages = {row["id"]: row for row in rows("squad2_en/passages")}
    own = {key: row for key, row in passages.items() if row["title"] in HELD_OUT_ARTICLES}
    kinds: dict[bool, list[Question]] = {True: [], False: []}
    for row in rows("squad2_en/qa"):
        if row["doc"] not in own:
            continue
        golds = [answer if isinstance(answer, str) else answer["text"] for answer in row.get("answers", [])]
        if row["answerable"] and not golds:
            continue
        kinds[bool(row["answerable"])].append(
            Question(
                text=row["question"],
                document=row["doc"] if row["answerable"] else "",
                gold=(tuple(dict.fromkeys(golds)),) if row["answerable"] else (),
                correction=_sentence(own[row["doc"]]["text"], golds) if row["answerable"] else "",
                topic=row["doc"],
            )
        )
    for questions in kinds.values():
        rng.shuffle(questions)

    def draw(count: int, start: int) -> list[Question]:
        wrong = round(UNANSWERABLE * count)
        offset = round(UNANSWERABLE * start)
        found = kinds[False][offset : offset + wrong] + kinds[True][start - offset : start - offset + count - wrong]
        rng.shuffle(found)
        return found

    return Team(
        name="squad2_en",
        documents=tuple(named(plain(row["title"].replace("_", " "), row["text"]), key) for key, row in own.items()),
        files=(),
        asked=tuple(draw(asked, 0)),
        held_out=tuple(draw(HELD_OUT, asked)),
    )


def examples(seed: int, *, asked: int = 200) -> Team:
    """The example help centre; three wordings of each question are asked, the two others are held out."""
    rng = random.Random(seed)  # noqa: S311 - draws questions, nothing secret
    stream: list[Question] = []
    held_out: list[Question] = []
    for line in AGAIN.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        gold = tuple(tuple(choices) for choices in row["must_contain"])
        text = (EXAMPLES / "help-centre" / row["source"]).read_text(encoding="utf-8")
        made = [
            Question(
                text=wording,
                document=row["source"],
                gold=gold,
                correction=_sentence(text, [c for g in gold for c in g]),
                topic=row["question"],
            )
            for wording in (row["question"], *row["again"])
        ]
        rng.shuffle(made)
        held_out += made[:2]
        stream += made[2:]
    foreign = [
        Question(text=row["question"], document="", gold=(), correction="", topic=row["question"])
        for name in ("dev_questions", "questions")
        for row in example_questions(name)
        if row["expect"] == "refuse"
    ]
    rng.shuffle(foreign)
    half = len(foreign) // 2
    return Team(
        name="examples",
        documents=(),
        files=(EXAMPLES / "help-centre", EXAMPLES / "faq.csv"),
        asked=tuple(_stream(stream + foreign[:half], asked, rng)),
        held_out=tuple(rng.sample(held_out + foreign[half:], len(held_out) + len(foreign) - half)),
    )


def _stream(questions: Sequence[Question], count: int, rng: random.Random) -> Iterator[Question]:
    """Questions in a random order, and again in another when they run out."""
    left = count
    while left > 0:
        drawn = rng.sample(questions, min(left, len(questions)))
        yield from drawn
        left -= len(drawn)


def _sentence(text: str, golds: Sequence[str]) -> str:
    """The sentence of a text that holds an answer, as somebody would copy it."""
    lines = [line.strip(" #*-") for line in text.splitlines() if line.strip()]
    for sentence in (part for line in lines for part in split_sentences(line)):
        if any(_plain(gold) in _plain(sentence) for gold in golds):
            return sentence[:_SAID]
    return golds[0] if golds else ""


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("*", "").split())
