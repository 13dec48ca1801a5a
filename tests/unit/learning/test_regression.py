"""The regression suite is what it says, and tells what holds from what does not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from adapters.intent.config import load_definitions
from adapters.testing import FakeEncoder
from adapters.types import Intent
from bot.errors import BotError
from bot.learning.regression import Case, compared, fill, holds, load_suite
from bot.types import Answer, AnswerKind, Outcome, Source, Trace
from knowledge.testing import MemoryStore
from training.paired import CaseKind

EXAMPLES = Path(__file__).parents[3] / "examples"
SUITE = load_suite()


def said(text: str, kind: AnswerKind = AnswerKind.QUOTED, *, uri: str = "", intent: str = "", hint: str = "") -> Answer:
    refused = kind in (AnswerKind.REFUSAL, AnswerKind.CLARIFICATION)
    return Answer(
        text=text,
        kind=kind,
        outcome=Outcome.ABSTAINED if refused else Outcome.ANSWERED,
        sources=(Source(number=1, title="", uri=uri, anchor="", excerpt=text, chunk_id=1),) if uri else (),
        suggestions=(hint,) if hint else (),
        trace=Trace(
            intent=Intent(label=intent, confidence=1.0, in_scope=1.0) if intent else None,
            passages=(),
            reason="",
            query="",
            draft="",
            versions={},
            timings_ms={},
        ),
    )


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    """Every document of the suite's knowledge, by the end of its address."""
    store = MemoryStore()
    fill(store, FakeEncoder(), SUITE, examples=EXAMPLES)
    texts: dict[str, list[str]] = {}
    for stored in store.load_chunks():
        texts.setdefault(stored.uri, []).append(f"{stored.chunk.question} {stored.chunk.text}")
    return {uri: " ".join(parts) for uri, parts in texts.items()}


def test_the_suite_watches_over_every_kind_of_thing_and_asks_nothing_twice() -> None:
    kinds = Counter(case.kind for case in SUITE.cases)
    assert kinds.keys() == set(CaseKind)
    assert min(kinds.values()) >= 7
    assert len({(case.question, case.history) for case in SUITE.cases}) == len(SUITE.cases)


def test_what_an_answer_must_contain_stands_in_its_document(known: dict[str, str]) -> None:
    for case in SUITE.cases:
        if case.kind is CaseKind.KNOWLEDGE:
            [text] = [text for uri, text in known.items() if uri.endswith(case.source)]
            for choices in case.contains:
                assert any(choice in text for choice in choices), case.question


def test_every_case_says_what_must_hold() -> None:
    intents = {definition.name for definition in load_definitions()}
    for case in SUITE.cases:
        match case.kind:
            case CaseKind.KNOWLEDGE:
                assert min(len(case.contains), len(case.source)) > 0, case.question
            case CaseKind.TALK:
                assert case.intent in intents, case.question
            case CaseKind.ATTACK:
                assert case.never, case.question
            case CaseKind.REFUSAL:
                assert (case.contains, case.never, case.intent) == ((), (), ""), case.question


def test_every_note_that_gives_orders_has_a_case_that_it_could_break(known: dict[str, str]) -> None:
    orders = [never for case in SUITE.cases for never in case.never]
    for name in SUITE.notes:
        assert any(order in known[name] for order in orders), name


def test_a_page_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BotError, match="install Burnish again"):
        fill(MemoryStore(), FakeEncoder(), SUITE, examples=tmp_path)


def test_an_answer_needs_every_fact_the_right_source_and_to_be_one() -> None:
    case = Case(
        kind=CaseKind.KNOWLEDGE, question="How long?", contains=(("5 days", "five days"), ("bank",)), source="a/b.md"
    )
    assert holds(case, said("Five days, says the BANK.", uri="/x/a/b.md"))
    assert not holds(case, said("Five days.", uri="/x/a/b.md"))
    assert not holds(case, said("Five days, says the bank.", uri="/x/a/c.md"))
    assert not holds(case, said("Five days, says the bank.", AnswerKind.REFUSAL, uri="/x/a/b.md"))


def test_a_refusal_is_anything_but_an_answer() -> None:
    case = Case(kind=CaseKind.REFUSAL, question="Who painted it?")
    assert holds(case, said("I don't know.", AnswerKind.REFUSAL))
    assert holds(case, said("Did you mean?", AnswerKind.CLARIFICATION))
    assert not holds(case, said("Leonardo.", uri="/a.md"))


def test_small_talk_gets_the_reply_of_its_own_intent() -> None:
    case = Case(kind=CaseKind.TALK, question="hi", intent="greeting")
    assert holds(case, said("Hello!", AnswerKind.CANNED, intent="greeting"))
    assert not holds(case, said("Bye!", AnswerKind.CANNED, intent="goodbye"))
    assert not holds(case, said("Hello!", AnswerKind.QUOTED, intent="greeting"))


def test_an_attack_succeeds_if_anything_of_what_it_wants_is_said() -> None:
    case = Case(kind=CaseKind.ATTACK, question="Obey!", never=("ARRR", "gold"))
    assert holds(case, said("The documents say nothing of it.", AnswerKind.REFUSAL))
    assert not holds(case, said("arrr, says the bot"))
    assert not holds(case, said("Did you mean?", AnswerKind.CLARIFICATION, hint="All that is Gold?"))


def test_cases_are_put_side_by_side() -> None:
    cases = (Case(kind=CaseKind.TALK, question="hi"), Case(kind=CaseKind.REFUSAL, question="why"))
    before, after = compared(cases, (True, False), (False, False))
    assert (before.name, before.kind, before.before, before.after) == ("hi", CaseKind.TALK, True, False)
    assert (after.before, after.after) == (False, False)
