"""The example knowledge is whole: links lead somewhere, expected answers stand in their sources."""

from __future__ import annotations

import csv
import json
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HELP_CENTRE = EXAMPLES / "help-centre"
FRONT_MATTER = re.compile(r"\A---\ntitle: (?P<title>[^\n]+)\n---\n\n")
BUILT_IN_INTENTS = {"question", "greeting", "thanks", "goodbye", "human", "complaint", "out_of_scope"}
CHINESE = re.compile("[\u4e00-\u9fff]")
LONGEST_SECTION_WORDS = 200  # a section is to fit into about one chunk, so that a fact stands in one passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the help centre, as these tests see it."""

    path: str  # relative to the help centre
    title: str
    body: str
    sections: tuple[str, ...]  # each with its heading; the first is the introduction
    anchors: frozenset[str]
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One row of the FAQ file."""

    question: str
    answer: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of a questions file."""

    question: str
    expect: str
    must_contain: tuple[tuple[str, ...], ...] = ()
    source: str = ""
    history: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()


def parse_page(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    front = FRONT_MATTER.match(text)
    assert front is not None, f"{path}: begin with ---, title: and ---"
    body = text[front.end() :]
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    return Page(
        path=path.relative_to(HELP_CENTRE).as_posix(),
        title=front["title"],
        body=body,
        sections=tuple(re.split(r"^(?=## )", body, flags=re.MULTILINE)),
        anchors=frozenset(slug(heading) for heading in headings(tokens)),
        links=tuple(links(tokens)),
    )


def headings(tokens: list[Token]) -> Iterator[str]:
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            yield inline.content


def links(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open":
                yield str(child.attrGet("href"))


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def normalised(question: str) -> str:
    kept = (c for c in unicodedata.normalize("NFKC", question).lower() if c.isalnum() or c.isspace())
    return " ".join("".join(kept).split())


@cache
def pages() -> tuple[Page, ...]:
    return tuple(parse_page(path) for path in sorted(HELP_CENTRE.rglob("*.md")))


@cache
def pairs() -> tuple[Pair, ...]:
    with (EXAMPLES / "faq.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        assert reader.fieldnames == ["question", "answer", "language"]
        return tuple(Pair(**row) for row in reader)


@cache
def cases(name: str) -> tuple[Case, ...]:
    lines = (EXAMPLES / name).read_text(encoding="utf-8").splitlines()
    return tuple(Case(**{key: frozen(value) for key, value in json.loads(line).items()}) for line in lines)


def frozen(value: Any) -> Any:  # noqa: ANN401 - JSON holds anything
    return tuple(frozen(item) for item in value) if isinstance(value, list) else value


def every_case() -> tuple[Case, ...]:
    return cases("questions.jsonl") + cases("dev_questions.jsonl")


def all_knowledge() -> str:
    texts = [f"{page.title}\n{page.body}" for page in pages()]
    texts += [f"{pair.question}\n{pair.answer}" for pair in pairs()]
    return "\n".join(texts).lower()


def passages_of(source: str) -> tuple[str, ...]:
    """Return what one passage of a source may hold: a section of a page, or a curated pair."""
    if source == "faq.csv":
        return tuple(f"{pair.question}\n{pair.answer}" for pair in pairs())
    (page,) = [page for page in pages() if page.path.endswith(source)]
    return page.sections


def test_there_are_enough_pages_each_with_a_title_of_its_own() -> None:
    titles = Counter(page.title for page in pages())
    assert len(pages()) >= 34
    assert [title for title, times in titles.items() if times > 1] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.path)
def test_a_page_has_the_length_of_a_help_page_and_short_sections(page: Page) -> None:
    assert 250 <= len(page.body.split()) <= 700
    assert len(page.sections) >= 3
    assert max(len(section.split()) for section in page.sections) <= LONGEST_SECTION_WORDS


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.path)
def test_a_page_starts_with_an_introduction_and_uses_only_second_level_headings(page: Page) -> None:
    prose = re.sub(r"^```.*?^```", "", page.body, flags=re.MULTILINE | re.DOTALL)
    assert not page.body.startswith("#")
    assert set(re.findall(r"^#+(?= )", prose, flags=re.MULTILINE)) == {"##"}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.path)
def test_every_link_of_a_page_leads_to_a_page_and_a_heading_that_exist(page: Page) -> None:
    by_path = {(HELP_CENTRE / other.path).resolve(): other for other in pages()}
    assert page.links
    for link in page.links:
        target, _, anchor = link.partition("#")
        path = (HELP_CENTRE / page.path).parent / target if target else HELP_CENTRE / page.path
        assert path.resolve() in by_path, link
        assert not anchor or anchor in by_path[path.resolve()].anchors, link


def test_every_page_is_linked_from_another_one() -> None:
    linked = {
        (HELP_CENTRE / page.path).parent.joinpath(target).resolve()
        for page in pages()
        for target in (link.partition("#")[0] for link in page.links)
        if target
    }
    assert [page.path for page in pages() if (HELP_CENTRE / page.path).resolve() not in linked] == []


def test_the_faq_holds_enough_pairs_in_both_languages_and_the_promised_one() -> None:
    languages = Counter(pair.language for pair in pairs())
    assert languages["en"] >= 30
    assert languages["zh"] >= 25
    assert set(languages) == {"en", "zh"}
    assert "我的账户为何被冻结?" in {pair.question for pair in pairs()}


def test_a_pair_is_written_in_its_language_and_complete() -> None:
    for pair in pairs():
        assert bool(CHINESE.search(pair.question)) == (pair.language == "zh"), pair.question
        assert bool(CHINESE.search(pair.answer)) == (pair.language == "zh"), pair.question
        assert pair.answer == pair.answer.strip()
        assert pair.answer.endswith((".", "。")), pair.question


def test_no_question_stands_twice() -> None:
    # a follow-up is the same question only after the same history
    asked = [normalised(" ".join((*case.history, case.question))) for case in every_case()]
    curated = [normalised(pair.question) for pair in pairs()]
    assert [question for question, times in Counter(asked + curated).items() if times > 1] == []


def test_the_question_sets_have_the_promised_shape() -> None:
    for name, answers, refusals in (("questions.jsonl", 10, 5), ("dev_questions.jsonl", 45, 15)):
        counted = Counter(case.expect for case in cases(name))
        assert counted == {"answer": answers, "refuse": refusals}
    dev_answers = [case for case in cases("dev_questions.jsonl") if case.expect == "answer"]
    assert sum(bool(CHINESE.search(case.question)) for case in dev_answers) == 8
    assert any(case.history for case in cases("questions.jsonl"))


@pytest.mark.parametrize("case", every_case(), ids=lambda case: case.question)
def test_an_expected_answer_stands_in_one_passage_of_its_source(case: Case) -> None:
    if case.expect == "refuse":
        assert case.must_contain == ()
        assert case.source == ""
        return
    assert case.must_contain
    assert any(
        all(any(choice.lower() in passage.lower() for choice in choices) for choices in case.must_contain)
        for passage in passages_of(case.source)
    )


@pytest.mark.parametrize("case", every_case(), ids=lambda case: case.question)
def test_the_subject_of_a_question_to_refuse_occurs_nowhere(case: Case) -> None:
    assert bool(case.subject) == (case.expect == "refuse")
    for subject in case.subject:
        assert subject.lower() not in all_knowledge(), subject


def test_the_dev_set_asks_for_other_facts_than_the_acceptance_set() -> None:
    def facts(name: str) -> set[tuple[str, tuple[tuple[str, ...], ...]]]:
        return {(case.source, case.must_contain) for case in cases(name) if case.expect == "answer"}

    assert facts("questions.jsonl") & facts("dev_questions.jsonl") == set()


def test_every_intent_of_the_team_has_a_new_name_enough_examples_and_one_outcome() -> None:
    intents = tomllib.loads((EXAMPLES / "intents.toml").read_text(encoding="utf-8"))["intent"]
    names = [intent["name"] for intent in intents]
    assert len(set(names)) == len(names) >= 4
    assert not set(names) & BUILT_IN_INTENTS
    for intent in intents:
        assert len(intent["description"].split()) >= 5
        assert len(intent["examples"]) >= 10
        assert any(CHINESE.search(example) for example in intent["examples"])
        assert ("reply" in intent) != ("route" in intent)
        assert set(intent.get("reply", {"en", "zh"})) == {"en", "zh"}
        assert intent.get("route", "human") in {"human", "question"}


def test_no_example_of_an_intent_stands_twice_or_is_a_question_of_the_other_files() -> None:
    intents = tomllib.loads((EXAMPLES / "intents.toml").read_text(encoding="utf-8"))["intent"]
    examples = [normalised(example) for intent in intents for example in intent["examples"]]
    others = {normalised(case.question) for case in every_case()} | {normalised(p.question) for p in pairs()}
    assert [example for example, times in Counter(examples).items() if times > 1] == []
    assert set(examples) & others == set()
