"""The score by which the bot refuses rises with what the passages have of the question."""

from __future__ import annotations

import pytest

from adapters.retrieval.config import FACTOR_RANGE, SHIFT_RANGE, Calibration
from bot.confidence import DEFAULT_ANSWERABILITY, answerability, features, judged_answerability, terms
from knowledge.types import Chunk, ChunkKind, Passage, StoredChunk


def passage(text: str, *, title: str = "Refunds", similarity: float = 0.6, lexical: float = 8.0) -> Passage:
    chunk = Chunk(ordinal=0, kind=ChunkKind.PASSAGE, title_path=(title,), anchor="", question="", text=text)
    stored = StoredChunk(id=1, document_id=1, source="", uri="", collection="default", language="en", chunk=chunk)
    return Passage(stored=stored, similarity=similarity, lexical=lexical, fused=0.03, rank=1)


REFUND = "Refunds reach the customer's bank within five business days. Fees are kept."
QUESTION = "How long does a refund take to reach a bank?"


def test_features_are_the_best_of_the_passages() -> None:
    measured = features(QUESTION, [passage("Nothing here.", similarity=0.2, lexical=1.0), passage(REFUND)], 0.7)
    assert measured.nearest == 0.7
    assert measured.closeness == measured.known == 1.0
    words_asked = 3  # refund, reach, bank
    assert measured.lexical == pytest.approx(8.0 / words_asked)


def test_words_far_apart_are_known_but_not_close() -> None:
    measured = features("refund bank holiday", [passage("The bank is closed. A holiday is near.")], 0.5)
    assert measured.known == 1.0
    assert measured.closeness == pytest.approx(2 / 3)


def test_a_name_in_the_question_counts_double() -> None:
    assert features("refund by Klarna", [passage(REFUND)], 0.5).known == pytest.approx(1 / 3)


def test_a_name_that_no_passage_has_is_strange() -> None:
    assert features("refund by Klarna", [passage(REFUND)], 0.5).strange == 1.0
    assert features("refund by klarna", [passage(REFUND)], 0.5).strange == 0.0
    assert features("Klarna refund", [passage("Klarna pays the refund.")], 0.5).strange == 0.0


def test_a_question_that_the_passage_answers_passes() -> None:
    assert answerability(QUESTION, [passage(REFUND)], 0.75) > DEFAULT_ANSWERABILITY


def test_a_foreign_question_does_not() -> None:
    strange = [passage(REFUND, similarity=0.05, lexical=0.0)]
    assert answerability("Who painted the Mona Lisa?", strange, 0.1) < DEFAULT_ANSWERABILITY


def test_a_chinese_question_is_judged_by_its_words() -> None:
    answer = "如果连续三次输入错误密码，账户会被冻结30分钟。"
    assert answerability("账户为什么被冻结？", [passage(answer, title="账户冻结")], 0.75) > DEFAULT_ANSWERABILITY
    assert (
        answerability("今天北京天气怎么样？", [passage(answer, title="账户冻结", lexical=0.0)], 0.6)
        < DEFAULT_ANSWERABILITY
    )


def test_a_nearer_line_never_lowers_the_score() -> None:
    scores = [answerability(QUESTION, [passage(REFUND)], step / 10) for step in range(-10, 11)]
    assert scores == sorted(scores)
    assert scores[0] < scores[-1]


def test_without_passages_the_score_is_zero() -> None:
    assert answerability(QUESTION, [], -1.0) == 0.0


def test_a_question_without_words_has_a_score() -> None:
    assert 0 <= answerability("?!", [passage(REFUND)], 0.5) <= 1


def test_retrieval_alone_and_no_calibration_leave_the_score_as_it_is() -> None:
    assert judged_answerability(0.42, None) == pytest.approx(0.42)


def test_terms_and_calibration_make_the_score() -> None:
    scores = {"retrieval": 0.6, "head": 1.2, "likelihood": 0.8, "answerable": 0.1}
    calibration = Calibration(shift=0.5, retrieval=0.9, head=1.3, likelihood=0.7)
    retrieval, head, likelihood = terms(scores)
    assert (retrieval, head, likelihood) == pytest.approx((0.405465, 0.2, -0.5))
    logit = 0.5 + 0.9 * retrieval + 1.3 * head + 0.7 * likelihood
    assert judged_answerability(0.6, 1.2, 0.8, calibration) == pytest.approx(1 / (1 + 2.718281828**-logit))


def test_what_was_not_measured_has_no_say() -> None:
    assert terms({}) == (0.0, 0.0, 0.0)
    assert terms({"retrieval": 0.5}) == (0.0, 0.0, 0.0)


def test_a_calibration_moves_what_lies_near_the_line() -> None:
    assert judged_answerability(0.3, None) < DEFAULT_ANSWERABILITY
    assert judged_answerability(0.3, None, None, Calibration(shift=0.5)) > DEFAULT_ANSWERABILITY
    assert judged_answerability(0.4, None, None, Calibration(shift=-0.5)) < DEFAULT_ANSWERABILITY


def test_no_calibration_switches_refusing_off_or_answering() -> None:
    boldest = Calibration(shift=SHIFT_RANGE[1], retrieval=FACTOR_RANGE[0])
    assert judged_answerability(0.05, None, None, boldest) < DEFAULT_ANSWERABILITY
    shyest = Calibration(shift=SHIFT_RANGE[0], retrieval=FACTOR_RANGE[0])
    assert judged_answerability(0.8, None, None, shyest) > DEFAULT_ANSWERABILITY


def test_a_score_that_is_no_number_is_never_enough() -> None:
    assert judged_answerability(0.9, float("nan")) == 0.0
