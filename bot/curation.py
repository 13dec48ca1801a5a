"""What the team decides about answers, from chat or from the dashboard: written answers and corrections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from threading import Lock

from bot.store.ratings import Proposal
from bot.store.store import Store
from bot.teaching import SOURCE, Teacher
from bot.types import AnswerKind, StoredAnswer
from knowledge.curated import CuratedBook, normalise
from knowledge.types import DEFAULT_COLLECTION, Encoder, StoredChunk, Vector
from knowledge.wording import same_matter

SIMILAR = 0.75  # from which two unanswered questions count as one: their cosine, or `same_matter`
OPEN_QUESTIONS = 300  # unanswered questions that are looked at, newest first

_DECIDING = Lock()  # chat and the dashboard decide one after the other, so that what is approved is what is in force


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Unanswered questions that mean the same, the newest first."""

    answers: tuple[StoredAnswer, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        """Of the answers."""
        return tuple(one.id for one in self.answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer that was put in force."""

    document_id: int
    question: str = field(repr=False)
    answer: str = field(repr=False)
    before: str = field(repr=False)  # the answer that this question had until then, if it was another; else ""
    elsewhere: str = ""  # name of the file in which the wrong answer still stands, hidden; "" for none


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """A written answer that is in force no more."""

    question: str = field(repr=False)
    again: str = field(repr=False)  # the answer that is in force in its place; "" for none


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a correction would change."""

    question: str = field(repr=False)  # under which it would be written
    elsewhere: str  # name of the file in which the wrong written answer stands; "" for none


class Curation:
    """Puts answers in force and takes them back. Everything here blocks."""

    def __init__(self, store: Store, teacher: Teacher, encoder: Encoder) -> None:
        self._store = store
        self._teacher = teacher
        self._encoder = encoder
        self._known: Mapping[str, Vector | None] = {}  # vectors of what is on the list: most is there again next time

    # -- written answers

    def keep(self, question: str, answer: str, *, corrects: bool = False) -> Kept:
        """Put an answer in force.

        Args:
            question: What it answers.
            answer: The answer.
            corrects: Whether it takes the place of a wrong one, to be brought back when it is taken back.
        """
        before = self.in_force(question)
        put = self._teacher.correct if corrects else self._teacher.teach
        return Kept(
            document_id=put(question, answer),
            question=question,
            answer=answer,
            before="" if before == answer else before,
        )

    def take_back(self, document_id: int) -> TakenBack | None:
        """Take a written answer back; None if it is none, or was taken back before."""
        documents = self._store.knowledge.documents()
        question = next((one.title for one in documents if one.id == document_id and one.source == SOURCE), "")
        if not question or not self._teacher.unteach(question):
            return None
        return TakenBack(question=question, again=self.in_force(question))

    def in_force(self, question: str, among: Sequence[StoredChunk] | None = None) -> str:
        """The written answer that a question has now, taught or from a file; "" for none.

        Args:
            question: Which.
            among: What `written` gave, where several questions are looked up.
        """
        asked, among = normalise(question), self.written() if among is None else among
        return next((one.chunk.text for one in among if normalise(one.chunk.question) == asked), "")

    def written(self) -> tuple[StoredChunk, ...]:
        """The written answers that are in force for everybody."""
        known = self._store.knowledge.curated()
        seen = CuratedBook().changed(added=known, removed=()).visible([DEFAULT_COLLECTION])
        return tuple(one for one in known if one.id in seen)

    # -- what nobody could answer

    def groups(self) -> tuple[Group, ...]:
        """The questions that nobody could answer, those that mean the same together."""
        answers = self._store.answers.unanswered(OPEN_QUESTIONS)
        known, asked = self._known, [one.question for one in answers]
        if new := [text for text in dict.fromkeys(asked) if text not in known]:
            read = [text for text in new if self._encoder.reads(text)]
            found = zip(read, self._encoder.encode(read), strict=True)
            known = {**known, **dict.fromkeys(new), **dict(found)}
        self._known = {text: known[text] for text in asked}
        return grouped(answers, [known[text] for text in asked])

    def answer(self, about: StoredAnswer, text: str) -> Kept:
        """Put the answer to an unanswered question in force, and take all like it off the list."""
        kept = self.keep(question_of(about), text)
        self.settle(about.id)
        return kept

    def settle(self, answer_id: int) -> tuple[int, ...]:
        """Take a question and all that mean the same off the list; the ids of their answers."""
        group = next((one for one in self.groups() if answer_id in one.ids), None)
        alike = (answer_id,) if group is None else group.ids
        self._store.answers.settle(alike)
        return alike

    # -- corrections

    def approve(self, correction_id: int, text: str = "") -> Kept | None:
        """Put a correction in force; None if there is none that waits for it.

        Args:
            correction_id: Which.
            text: As it was changed; "" if it was not.
        """
        with _DECIDING:
            proposal = self._store.ratings.proposal(correction_id)
            if proposal is None or not proposal.waits:
                return None
            subject = self.subject_of(proposal)
            # taught before it is approved: after a crash in between, it is taught again and then approved
            kept = self.keep(subject.question, text or proposal.text, corrects=True)
            self._store.ratings.decide(correction_id, approved=True, text=text)
        return replace(kept, elsewhere=subject.elsewhere)

    def reject(self, correction_id: int) -> bool:
        """Turn a correction down; False if there is none that waits for it."""
        with _DECIDING:
            return self._store.ratings.decide(correction_id, approved=False)

    def subject_of(self, proposal: Proposal) -> Subject:
        """What a correction would change: a wrong written answer is replaced, not joined by another beside it."""
        about = self._store.answers.get(proposal.answer_id)
        if about is None:
            return Subject(question=proposal.question, elsewhere="")
        if about.answer.kind is not AnswerKind.CURATED or not about.answer.sources:
            return Subject(question=question_of(about), elsewhere="")
        source, entries = about.answer.sources[0], self._store.knowledge.curated()
        wrong = next((one for one in entries if (one.uri, one.chunk.text) == (source.uri, source.excerpt)), None)
        if wrong is None or wrong.collection != DEFAULT_COLLECTION:  # changed since, or not for everybody
            return Subject(question=question_of(about), elsewhere="" if wrong is None else PurePath(wrong.uri).name)
        elsewhere = "" if wrong.source == SOURCE else PurePath(wrong.uri).name
        return Subject(question=wrong.chunk.question, elsewhere=elsewhere)


def grouped(answers: Sequence[StoredAnswer], vectors: Sequence[Vector | None]) -> tuple[Group, ...]:
    """Put unanswered questions that mean the same together: each joins the first group whose newest is similar enough.

    Args:
        answers: Newest first.
        vectors: Of their questions, unit length: a product is a cosine; None where the encoder does not read one, which
            is compared by its words.

    Returns:
        The largest group first; of those of one size, that with the newest question.
    """
    words = [normalise(answer.question) for answer in answers]

    def alike(one: int, other: int) -> float:
        first, second = vectors[one], vectors[other]
        if first is not None and second is not None:
            return float(first @ second)
        return same_matter(words[one], words[other])

    leaders: list[int] = []
    members: list[list[StoredAnswer]] = []
    for row, answer in enumerate(answers):
        near = next((at for at, leader in enumerate(leaders) if alike(row, leader) >= SIMILAR), None)
        if near is None:
            leaders.append(row)
            members.append([answer])
        else:
            members[near].append(answer)
    return tuple(Group(answers=tuple(one)) for one in sorted(members, key=len, reverse=True))


def question_of(answer: StoredAnswer) -> str:
    """The question as it can stand alone: a follow-up as it was understood."""
    return answer.answer.trace.query or answer.question
