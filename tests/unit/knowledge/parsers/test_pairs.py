from __future__ import annotations

import json

import pytest

from knowledge.errors import UnreadableError
from knowledge.parsers import pairs
from knowledge.types import Problem, ProblemKind, QuestionAnswer


def pair(question: str, answer: str, language: str, anchor: str) -> QuestionAnswer:
    return QuestionAnswer(question=question, answer=answer, language=language, anchor=anchor)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_usual_delimiter_is_found_by_the_header(delimiter: str) -> None:
    rows = [("Question", "Note", "ANSWER"), ("How do I pay the bill?", "x", "By card.")]

    content = pairs.parse_csv("\n".join(delimiter.join(row) for row in rows), uri="faq.csv")

    assert content.pairs == (pair("How do I pay the bill?", "By card.", "en", "row=2"),)
    assert content.problems == ()


def test_chinese_headers_and_a_language_column_are_understood() -> None:
    content = pairs.parse_csv("问题,答案,语言\n我的账户为何被冻结?,请联系客服。,\nHi?,Hello.,en-GB\n", uri="faq.csv")

    assert content.pairs == (
        pair("我的账户为何被冻结?", "请联系客服。", "zh", "row=2"),
        pair("Hi?", "Hello.", "en", "row=3"),
    )


def test_bad_rows_are_reported_by_number_and_good_ones_kept() -> None:
    table = (
        'question,answer\n"Where, then?","Here,\nthere."\nNo answer,\n,No question\n\na,b,c\n'
        'Who is it?,"We" are\nWhat now?,This.\n'
    )

    content = pairs.parse_csv(table, uri="/faq.csv")

    assert [(one.question, one.answer, one.anchor) for one in content.pairs] == [
        ("Where, then?", "Here,\nthere.", "row=2"),
        ("What now?", "This.", "row=8"),
    ]
    assert [problem.reason for problem in content.problems] == [
        "Row 3 has no answer.",
        "Row 4 has no question.",
        'Row 6 has 3 cells where the header names 2; put quotes around cells that hold a ",".',
        "Row 7 cannot be read (',' expected after '\"'); check its quotes.",
    ]
    assert {(one.uri, one.kind, one.skipped) for one in content.problems} == {("/faq.csv", ProblemKind.BAD_ROW, False)}


def test_a_table_that_is_wrong_throughout_is_reported_in_twenty_lines_and_a_sum() -> None:
    table = "question,answer\nQ?,A\n" + "no answer,\n" * 500

    problems = pairs.parse_csv(table, uri="/faq.csv").problems

    assert len(problems) == 21
    assert problems[-1] == Problem(
        uri="/faq.csv", kind=ProblemKind.BAD_ROW, reason="480 more rows were left out for such reasons.", skipped=False
    )


def test_a_table_without_the_columns_says_which_it_needs_and_has() -> None:
    with pytest.raises(UnreadableError, match='columns "question" and "answer"; it names name, price') as caught:
        pairs.parse_csv("name,price\nx,3\n", uri="faq.csv")

    assert caught.value.kind is ProblemKind.UNSUPPORTED


def test_a_table_without_a_good_row_says_why() -> None:
    with pytest.raises(UnreadableError, match=r"no question with an answer. Row 2 has no answer.") as caught:
        pairs.parse_csv("question,answer\nx,\n", uri="faq.csv")

    assert caught.value.kind is ProblemKind.BROKEN


def test_json_lines_keep_good_lines_and_report_bad_ones() -> None:
    lines = [
        '{"question": "How do I pay?", "answer": "By card.", "lang": "en"}',
        "",
        "{broken",
        "[1]",
        '{"question": 3}',
    ]

    content = pairs.parse_json_lines("\n".join(lines), uri="faq.jsonl")

    assert content.pairs == (pair("How do I pay?", "By card.", "en", "row=1"),)
    assert [problem.reason.split(" (")[0] for problem in content.problems] == [
        "Row 3 is not valid JSON",
        "Row 4 is not an object with question and answer.",
        "Row 5 has no question.",
    ]


def test_a_json_list_is_read_like_json_lines() -> None:
    content = pairs.parse_json(json.dumps([{"问题": "为什么？", "答案": "因为。"}]), uri="faq.json")

    assert content.pairs == (pair("为什么？", "因为。", "zh", "row=1"),)


@pytest.mark.parametrize(
    ("text", "reason"), [('{"a": 1}', "must be a list"), ("{", "not valid JSON"), ("[" * 100_000, "not valid JSON")]
)
def test_other_json_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        pairs.parse_json(text, uri="faq.json")
