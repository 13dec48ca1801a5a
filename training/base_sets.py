"""The base adapter: what the generator learns before it meets a team's own documents, from sets that may ship.

SQuAD 2 gives questions with a passage (half of them adversarially unanswerable), product documentation gives passages
as support bots have them. Distractors are what BM25 finds for the questions: real neighbours.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from math import log
from pathlib import Path
from typing import Any, Final

import sentencex

from adapters.generator.prompt import DEFAULT_SYSTEM, Evidence, Style
from training.errors import TrainingError
from training.grounding import GroundedGroup, GroundedQuestion

# Articles that the shipped adapter has never seen: the figures on its card are of these.
HELD_OUT_ARTICLES: Final = frozenset({"Force", "Immune_system"})
DEV_SHARE: Final = 0.1  # of the other articles' passages
WHOLE_SHARE: Final = 0.3  # of the passages that are shown whole in an epoch; of the others the lines near a question
CLIPPED_LINES: Final = (1, 2, 2, 3, 3, 4)  # how many lines are shown of those, drawn for each question
CLIPPED_TOGETHER: Final = 4  # questions with lines of their own in one row
CLIPPED_FOREIGN: Final = 2  # questions of neighbouring passages that are asked of a passage's lines
DISTRACTED_SHARE: Final = 0.15  # of the passages that are shown once more among others, in each epoch
DISTRACTED_QUESTIONS: Final = 5
CORRUPTED_SHARE: Final = 0.1  # of the answerable questions that are asked once more with another name or figure
FOREIGN_QUESTIONS: Final = 4  # of neighbouring passages that are asked of each: on topic, and not answered here
FOREIGN_PASSAGES: Final = 6  # neighbours that they are drawn from
NAMES: Final = ("Burnish", "Ada", "Helpdesk", "Milo", "Support", "Nova", "Kestrel", "the assistant", "Answers")
SYSTEMS: Final = (
    DEFAULT_SYSTEM,
    DEFAULT_SYSTEM,
    DEFAULT_SYSTEM,
    "You are {name}, a support assistant. You answer from the text that you are given.",
    "You are {name}, a helpful assistant.",
    "You are {name}.",
    "You are a support assistant.",
    "Your name is {name}. Be brief and exact.",
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face",
)
_NAME: Final = re.compile(r"(?<!^)(?<![.?!] )\b(?:[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})*|\d{2,}(?:[.,]\d+)*)\b")
_LONGEST_SENTENCE: Final = 600  # characters; a longer one is a list or a table
_WORD: Final = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPassage:
    """A passage of a set."""

    id: str
    title: str
    text: str

    @property
    def evidence(self) -> Evidence:
        """As the generator reads it."""
        return Evidence(title=self.title.replace("_", " "), text=self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadQuestion:
    """A question of a set."""

    text: str
    passage: str  # id
    answers: tuple[str, ...]  # gold spans; empty: the passage does not tell


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroundedSet:
    """A set with its questions by passage."""

    passages: Mapping[str, ReadPassage]
    questions: Mapping[str, tuple[ReadQuestion, ...]]

    def only(self, keep: Iterable[str]) -> GroundedSet:
        """The part with these passages."""
        kept = set(keep)
        return GroundedSet(
            passages={key: value for key, value in self.passages.items() if key in kept},
            questions={key: value for key, value in self.questions.items() if key in kept},
        )


def load_squad(folder: Path) -> GroundedSet:
    """Read squad2_en: passages.jsonl.gz and qa.jsonl.gz.

    Raises:
        TrainingError: A file is missing or not what it should be.
    """
    try:
        passages = {
            row["id"]: ReadPassage(id=row["id"], title=row["title"], text=row["text"])
            for row in _rows(folder / "passages.jsonl.gz")
        }
        questions: defaultdict[str, list[ReadQuestion]] = defaultdict(list)
        for row in _rows(folder / "qa.jsonl.gz"):
            answers = tuple(row["answers"]) if row["answerable"] else ()
            questions[row["doc"]].append(
                ReadQuestion(text=row["question"].strip(), passage=row["doc"], answers=answers)
            )
        return GroundedSet(passages=passages, questions={key: tuple(value) for key, value in questions.items()})
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{folder} does not hold squad2_en as it should be; fetch it again.") from error


def split_articles(found: GroundedSet) -> tuple[GroundedSet, GroundedSet, GroundedSet]:
    """Train, dev (passages of the train articles, by hash) and the held-out articles."""
    train: list[str] = []
    dev: list[str] = []
    test: list[str] = []
    for key, passage in found.passages.items():
        if passage.title in HELD_OUT_ARTICLES:
            test.append(key)
        else:
            (dev if _position(key) < DEV_SHARE else train).append(key)
    return found.only(train), found.only(dev), found.only(test)


def span_target(answers: Sequence[str]) -> str:
    """The gold span that most annotators gave; of equals the shortest."""
    counted = Counter(answers)
    return min(counted, key=lambda answer: (-counted[answer], len(answer)))


def sentence_target(question: str, answers: Sequence[str], text: str) -> str | None:
    """The sentence of a passage that holds the gold answer and shares most words with the question."""
    span = span_target(answers)
    asked = set(_WORD.findall(question.lower()))
    holding = [
        sentence.strip()
        for sentence in sentencex.segment("en", text)
        if span in sentence and len(sentence) < _LONGEST_SENTENCE
    ]
    return max(holding, key=lambda sentence: len(asked & set(_WORD.findall(sentence.lower()))), default=None)


def nearest_lines(question: str, text: str, count: int) -> str:
    """The sentences of a text that share most words with a question, rare ones counting more, in the text's order."""
    lines = [line.strip() for line in sentencex.segment("en", text) if line.strip()]
    words = [set(_WORD.findall(line.lower())) for line in lines]
    frequency = Counter(word for found in words for word in found)
    asked = set(_WORD.findall(question.lower())) & frequency.keys()
    weights = {word: log(1 + len(lines) / frequency[word]) for word in sorted(asked)}
    scores = [sum(weight for word, weight in weights.items() if word in found) for found in words]
    best = sorted(range(len(lines)), key=lambda line: -scores[line])[:count]
    return " ".join(lines[line] for line in sorted(best))


class GroundedSampler:
    """Draws each epoch's groups: other styles, names, distractors and corrupted questions each time."""

    def __init__(self, found: GroundedSet, *, seed: int = 0) -> None:
        self._found = found
        self._seed = seed
        self._neighbours = Neighbours(list(found.passages.values()))
        self._names = _names_by_article(found)

    def __call__(self, epoch: int) -> list[GroundedGroup]:
        """The groups of one epoch, from 0."""
        rng = random.Random(f"{self._seed} {epoch}")  # noqa: S311 - draws examples, nothing secret
        groups: list[GroundedGroup] = []
        for key in sorted(self._found.questions):
            if rng.random() < WHOLE_SHARE:
                groups.append(self._alone(key, epoch, rng))
            else:
                groups += self._clipped(key, epoch, rng)
            if rng.random() < DISTRACTED_SHARE:
                groups.append(self._among(key, rng, with_it=rng.random() < 0.6))  # noqa: PLR2004 - rest: taken out
        return groups

    def plain(self) -> list[GroundedGroup]:
        """Each passage alone with its own questions, short answers: what is measured on dev."""
        return [
            GroundedGroup(
                passages=(self._found.passages[key].evidence,),
                questions=tuple(self._question(question, Style.SHORT) for question in questions),
            )
            for key, questions in sorted(self._found.questions.items())
        ]

    def _alone(self, key: str, epoch: int, rng: random.Random) -> GroundedGroup:
        passage = self._found.passages[key]
        questions = [
            self._question(question, Style.SHORT if (number + epoch) % 2 else Style.SENTENCES)
            for number, question in enumerate(self._found.questions[key])
        ]
        for question in self._found.questions[key]:
            if question.answers and rng.random() < CORRUPTED_SHARE:
                corrupted = self._corrupted(question, passage, rng)
                if corrupted is not None:
                    questions.append(GroundedQuestion(text=corrupted, style=rng.choice(list(Style))))
        questions += self._foreign([passage], rng, FOREIGN_QUESTIONS)
        rng.shuffle(questions)
        return GroundedGroup(passages=(_titled(passage, rng),), questions=tuple(questions), system=_system(rng))

    def _clipped(self, key: str, epoch: int, rng: random.Random) -> list[GroundedGroup]:
        """Each question with the few lines of the passage that are nearest to it, as the message path shows them."""
        passage = self._found.passages[key]
        asked = [
            (question.text, self._question(question, Style.SHORT if (number + epoch) % 2 else Style.SENTENCES))
            for number, question in enumerate(self._found.questions[key])
        ]
        asked += [(question.text, question) for question in self._foreign([passage], rng, CLIPPED_FOREIGN)]
        questions = []
        for text, question in asked:
            lines = nearest_lines(text, passage.text, rng.choice(CLIPPED_LINES))
            told = question.answer is not None and question.answer in lines
            shown = replace(_titled(passage, rng), text=lines)
            questions.append(replace(question, passages=(shown,), answer=question.answer if told else None))
        rng.shuffle(questions)
        return [
            GroundedGroup(
                passages=(), questions=tuple(questions[start : start + CLIPPED_TOGETHER]), system=_system(rng)
            )
            for start in range(0, len(questions), CLIPPED_TOGETHER)
        ]

    def _among(self, key: str, rng: random.Random, *, with_it: bool) -> GroundedGroup:
        """A passage among two of its neighbours, or three neighbours without it: then nothing can be answered."""
        own = list(self._found.questions[key])
        rng.shuffle(own)
        chosen = own[:DISTRACTED_QUESTIONS]
        wanted = 2 if with_it else 3
        near = self._neighbours.of(" ".join(question.text for question in chosen), leave_out=key, count=wanted + 2)
        others = rng.sample(near, min(wanted, len(near)))
        shown = [self._found.passages[key], *others] if with_it else others
        rng.shuffle(shown)
        questions = [self._question(question, Style.SENTENCES) for question in chosen]
        if not with_it:
            text = " ".join(passage.text for passage in shown)
            questions = [
                replace(question, answer=None)
                for question, read in zip(questions, chosen, strict=True)
                if not _told(read, text)
            ]
        else:
            questions += self._foreign(shown, rng, DISTRACTED_QUESTIONS - 1)
        return GroundedGroup(
            passages=tuple(_titled(passage, rng) for passage in shown), questions=tuple(questions), system=_system(rng)
        )

    def _foreign(self, shown: Sequence[ReadPassage], rng: random.Random, count: int) -> list[GroundedQuestion]:
        """Questions that neighbouring passages answer and these do not: what a support bot meets most often."""
        text = " ".join(passage.text for passage in shown)
        known = {passage.id for passage in shown}
        near = self._neighbours.of(shown[0].text, leave_out=shown[0].id, count=FOREIGN_PASSAGES + len(shown))
        pool = [
            question
            for passage in near
            if passage.id not in known
            for question in self._found.questions.get(passage.id, ())
            if question.answers and not _told(question, text)
        ]
        chosen = rng.sample(pool, min(count, len(pool)))
        return [GroundedQuestion(text=question.text, style=rng.choice(list(Style))) for question in chosen]

    def _question(self, question: ReadQuestion, style: Style) -> GroundedQuestion:
        if not question.answers:
            return GroundedQuestion(text=question.text, style=style)
        text = self._found.passages[question.passage].text
        sentence = sentence_target(question.text, question.answers, text) if style is Style.SENTENCES else None
        if sentence is None:
            return GroundedQuestion(text=question.text, style=Style.SHORT, answer=span_target(question.answers))
        return GroundedQuestion(text=question.text, style=style, answer=sentence)

    def _corrupted(self, question: ReadQuestion, passage: ReadPassage, rng: random.Random) -> str | None:
        """The question with one name or figure exchanged for one of the same article that the passage does not have."""
        found = list(_NAME.finditer(question.text))
        if not found:
            return None
        name = rng.choice(found)
        figure = name.group()[0].isdigit()
        others = [
            other
            for other in self._names[passage.title]
            if other[0].isdigit() == figure and other not in passage.text and other not in question.text
        ]
        if not others:
            return None
        return question.text[: name.start()] + rng.choice(others) + question.text[name.end() :]


class Neighbours:
    """Passages by BM25."""

    def __init__(self, passages: Sequence[ReadPassage]) -> None:
        import bm25s

        self._passages = passages
        self._index = bm25s.BM25()
        self._index.index([_WORD.findall(passage.text.lower()) for passage in passages], show_progress=False)

    def of(self, text: str, *, leave_out: str, count: int) -> list[ReadPassage]:
        """The passages nearest to a text, best first, one left out."""
        most = min(count + 1, len(self._passages))
        ids, _ = self._index.retrieve([_WORD.findall(text.lower())], k=most, show_progress=False)
        found = [self._passages[int(row)] for row in ids[0]]
        return [passage for passage in found if passage.id != leave_out][:count]


def _told(question: ReadQuestion, text: str) -> bool:
    """Whether a text has one of a question's gold answers; short ones such as "8" stand everywhere."""
    return any(len(answer) > 3 and answer in text for answer in question.answers)  # noqa: PLR2004 - see above


def _names_by_article(found: GroundedSet) -> dict[str, list[str]]:
    names: defaultdict[str, set[str]] = defaultdict(set)
    for passage in found.passages.values():
        names[passage.title].update(_NAME.findall(passage.text))
    return {title: sorted(of) for title, of in names.items()}


def _titled(passage: ReadPassage, rng: random.Random) -> Evidence:
    return passage.evidence if rng.random() < 0.7 else replace(passage.evidence, title="")  # noqa: PLR2004 - mostly


def _system(rng: random.Random) -> str:
    return rng.choice(SYSTEMS).replace("{name}", rng.choice(NAMES))


def _position(key: str) -> float:
    return int.from_bytes(sha256(key.encode()).digest()[:8], "big") / 2**64


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise TrainingError(f"{path} is missing; name the folder that holds squad2_en with --data.")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
