"""Curated questions and answers: CSV, JSON lines, and a JSON list."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping

from knowledge.errors import UnreadableError
from knowledge.language import UNKNOWN, detect
from knowledge.parsers.outline import Content
from knowledge.types import Problem, ProblemKind, QuestionAnswer

_QUESTION = frozenset(("question", "questions", "q", "问题", "問題", "提问", "提問", "问", "問"))
_ANSWER = frozenset(("answer", "answers", "a", "答案", "回答", "答复", "答覆", "答"))
_LANGUAGE = frozenset(("language", "lang", "语言", "語言", "语种"))
_LANGUAGE_CODE = re.compile(r"\A([a-z]{2})(?:[-_].*)?\Z")
_DELIMITERS = ",;\t|"
_MOST_PROBLEMS = 20  # rows named one by one; a table that is wrong throughout needs no thousand lines

_Row = tuple[int, Mapping[str, object] | str]  # row number from 1, and its fields or what is wrong with it


def parse_csv(text: str, *, uri: str) -> Content:
    """Read a table whose header names question and answer, and perhaps language.

    Args:
        text: The table; comma, semicolon, tab or bar between the cells.
        uri: The file, for problems.

    Returns:
        The pairs, and a problem for each row left out. Row 1 is the header.

    Raises:
        UnreadableError: The header names no question or no answer.
    """
    for delimiter in _DELIMITERS:
        header = _header(text, delimiter)
        if _column(header, _QUESTION) and _column(header, _ANSWER):
            return _content(_csv_rows(text, delimiter, header), uri)
    columns = ", ".join(name[:40] for name in _header(text, ",")[:8])
    raise UnreadableError(
        ProblemKind.UNSUPPORTED,
        f'The first row must name the columns "question" and "answer"; it names {columns or "none"}.',
    )


def parse_json_lines(text: str, *, uri: str) -> Content:
    """Read one JSON object with question and answer a line.

    Raises:
        UnreadableError: No line holds such an object.
    """
    return _content(_json_line_rows(text), uri)


def parse_json(text: str, *, uri: str) -> Content:
    """Read a JSON list of objects with question and answer.

    Raises:
        UnreadableError: It is no JSON, or no such list.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(ProblemKind.BROKEN, f"It is not valid JSON: {error}.") from error
    if not isinstance(data, list):
        raise UnreadableError(
            ProblemKind.UNSUPPORTED, 'A JSON file must be a list of objects with "question" and "answer".'
        )
    return _content(((number, _fields(value)) for number, value in enumerate(data, 1)), uri)


def _header(text: str, delimiter: str) -> list[str]:
    first = next((line for line in text.split("\n") if line.strip()), "")
    try:
        return next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error:
        return []


def _column(names: Iterable[str], wanted: frozenset[str]) -> str:
    return next((name for name in names if name.strip().casefold() in wanted), "")


def _csv_rows(text: str, delimiter: str, header: list[str]) -> Iterator[_Row]:
    reader = csv.reader(io.StringIO(text.lstrip("\n"), newline=""), delimiter=delimiter, strict=True)
    for number in itertools.count(1):
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, f"cannot be read ({error}); check its quotes"
            continue
        if number == 1 or not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            count = f"has {len(cells)} cells where the header names {len(header)}"
            yield number, f'{count}; put quotes around cells that hold a "{delimiter}"'
        else:
            yield number, dict(zip(header, cells, strict=False))


def _json_line_rows(text: str) -> Iterator[_Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, _fields(json.loads(line))
        except (ValueError, RecursionError) as error:
            yield number, f"is not valid JSON ({error})"


def _fields(value: object) -> Mapping[str, object] | str:
    return value if isinstance(value, dict) else "is not an object with question and answer"


def _content(rows: Iterable[_Row], uri: str) -> Content:
    pairs: list[QuestionAnswer] = []
    faults: list[str] = []
    for number, fields in rows:
        pair = fields if isinstance(fields, str) else _pair(fields, number)
        if isinstance(pair, str):
            faults.append(f"Row {number} {pair}.")
        else:
            pairs.append(pair)
    if not pairs:
        kind = ProblemKind.BROKEN if faults else ProblemKind.EMPTY
        raise UnreadableError(kind, " ".join(["It holds no question with an answer.", *faults[:1]]))
    problems = [
        Problem(uri=f"{uri}", kind=ProblemKind.BAD_ROW, reason=fault, skipped=False)
        for fault in faults[:_MOST_PROBLEMS]
    ]
    if left := len(faults) - len(problems):
        reason = f"{left} more rows were left out for such reasons."
        problems.append(Problem(uri=uri, kind=ProblemKind.BAD_ROW, reason=reason, skipped=False))
    return Content(pairs=tuple(pairs), problems=tuple(problems))


def _pair(fields: Mapping[str, object], number: int) -> QuestionAnswer | str:
    question, answer = (_text(fields, names) for names in (_QUESTION, _ANSWER))
    if not question or not answer:
        return f"has no {'answer' if question else 'question'}"
    code = _LANGUAGE_CODE.match(_text(fields, _LANGUAGE).lower())
    language = code[1] if code else detect(question)
    if language == UNKNOWN:
        language = detect(f"{question}\n{answer}")
    return QuestionAnswer(question=question, answer=answer, language=language, anchor=f"row={number}")


def _text(fields: Mapping[str, object], names: frozenset[str]) -> str:
    value = fields.get(_column(map(str, fields), names))
    return value.strip() if isinstance(value, str) else ""
