"""Answers that were liked, remembered without a word of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from adapters.errors import AdapterError
from adapters.retrieval.answers import FILE, AnswerMemory, Span, part_of, span_of
from adapters.retrieval.model import RetrievalAdapter
from adapters.retrieval.persist import load, save

NOW = datetime(2026, 11, 26, tzinfo=UTC)
DIGEST = "ab" * 32
FEE, TERM = Span(digest=DIGEST, start=0, end=9), Span(digest=DIGEST, start=9, end=30)


def unit(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    found = np.array(values, dtype=np.float32)
    return found / np.float32(np.linalg.norm(found))


def memory(*rows: tuple[tuple[float, float], Span, bool]) -> AnswerMemory:
    return AnswerMemory(
        questions=np.stack([unit(*vector) for vector, _, _ in rows]),
        spans=tuple(span for _, span, _ in rows),
        liked=np.array([liked for _, _, liked in rows]),
    )


def recalled(known: AnswerMemory, *vector: float, nearness: float = 0.6) -> list[Span]:
    return [span for span, _ in known.recall(unit(*vector), nearness)]


def test_the_answer_to_the_nearest_question_comes_first_and_each_once() -> None:
    known = memory(((1, 0), FEE, True), ((1, 1), TERM, True), ((1, 0.1), FEE, True))
    assert recalled(known, 1, 0) == [FEE, TERM]
    assert recalled(known, 1, 1) == [TERM, FEE]
    assert next(known.recall(unit(1, 0), 0.6))[1] == pytest.approx(1.0)


def test_questions_that_are_too_far_say_nothing() -> None:
    known = memory(((1, 0), FEE, True))
    assert recalled(known, 0, 1) == []
    assert recalled(known, 1, 1, nearness=0.8) == []


def test_what_the_nearer_question_got_in_vain_is_not_given_again() -> None:
    known = memory(((1, 0), FEE, True), ((1, 0.3), FEE, False), ((1, 0.5), TERM, True))
    assert recalled(known, 1, 0.3) == [TERM]
    assert recalled(known, 1, 0) == [FEE, TERM]


@pytest.mark.parametrize("text", ["A fee of 2 %.\nIt is taken at once.", "A fee\nof 2 %. It  is taken\nat once."])
def test_a_part_is_found_again_however_its_lines_are_wrapped(text: str) -> None:
    span = span_of("It is taken at once.", "A fee of 2 %. It is taken at once.", digest=DIGEST)
    assert span is not None
    assert part_of(text, span).split() == ["It", "is", "taken", "at", "once."]


def test_what_does_not_stand_there_word_for_word_has_no_place() -> None:
    assert span_of("It was taken.", "It is taken.", digest=DIGEST) is None
    assert span_of("", "It is taken.", digest=DIGEST) is None
    assert part_of("short", Span(digest=DIGEST, start=3, end=9)) == ""


def adapter(answers: AnswerMemory | None) -> RetrievalAdapter:
    nothing = np.zeros((0, 2), dtype=np.float32)
    return RetrievalAdapter(
        encoder="e", mentions=(), vectors=nothing, memory=None, query=None, curated=0.7, answers=answers
    )


def test_a_saved_memory_comes_back_the_same(tmp_path: Path) -> None:
    known = memory(((1, 0), FEE, True), ((1, 1), TERM, False))
    save(adapter(known), tmp_path / "v", source="run-1", created_at=NOW)
    found = load(tmp_path / "v", encoder="e").answers
    assert found is not None
    assert found.spans == known.spans
    assert found.liked.tolist() == [True, False]
    assert np.allclose(found.questions, known.questions, atol=1e-3)


def test_without_a_memory_there_is_no_file(tmp_path: Path) -> None:
    save(adapter(None), tmp_path / "v", source="run-1", created_at=NOW)
    assert not (tmp_path / "v" / FILE).exists()
    assert load(tmp_path / "v", encoder="e").answers is None


def test_a_damaged_memory_is_refused(tmp_path: Path) -> None:
    save(adapter(memory(((1, 0), FEE, True))), tmp_path / "v", source="run-1", created_at=NOW)
    (tmp_path / "v" / FILE).write_bytes(b"nothing")
    with pytest.raises(AdapterError, match="Train retrieval again"):
        load(tmp_path / "v", encoder="e")
