from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.types import Intent
from bot.store.answers import dump_detail, load_detail
from bot.store.errors import StoreError
from bot.types import Answer, AnswerKind, Outcome, Source, Trace, TracedPassage

TEXT = st.text(alphabet=st.characters(exclude_categories=()))  # lone surrogates too: people's texts go into a trace
NUMBER = st.floats(allow_nan=False)  # a NaN is not equal to itself
INTENT = st.builds(Intent, label=TEXT, confidence=NUMBER, in_scope=NUMBER)
PASSAGE = st.builds(
    TracedPassage,
    chunk_id=st.integers(),
    title=TEXT,
    uri=TEXT,
    similarity=NUMBER,
    lexical=NUMBER,
    fused=NUMBER,
    used=st.booleans(),
)
SOURCE = st.builds(
    Source, number=st.integers(), title=TEXT, uri=TEXT, anchor=TEXT, excerpt=TEXT, chunk_id=st.integers()
)
TRACE = st.builds(
    Trace,
    intent=st.none() | INTENT,
    passages=st.lists(PASSAGE, max_size=3).map(tuple),
    reason=TEXT,
    query=TEXT,
    draft=TEXT,
    versions=st.dictionaries(TEXT, TEXT, max_size=3),
    timings_ms=st.dictionaries(TEXT, NUMBER, max_size=3),
    scores=st.dictionaries(TEXT, NUMBER, max_size=3),
)
ANSWER = st.builds(
    Answer,
    text=TEXT,
    kind=st.sampled_from(AnswerKind),
    outcome=st.sampled_from(Outcome),
    sources=st.lists(SOURCE, max_size=3).map(tuple),
    suggestions=st.lists(TEXT, max_size=3).map(tuple),
    trace=TRACE,
)


@given(ANSWER)
def test_what_explains_an_answer_comes_back_exactly(answer: Answer) -> None:
    detail = load_detail(1, dump_detail(answer))
    assert detail.sources == answer.sources
    assert detail.suggestions == answer.suggestions
    assert detail.trace == answer.trace


@pytest.mark.parametrize("text", ["", "[]", "{", '{"sources": "secret words"}'])
def test_what_cannot_be_read_is_named_by_its_answer_and_not_quoted(text: str) -> None:
    with pytest.raises(StoreError, match="Answer 7 was stored in a form") as caught:
        load_detail(7, text)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
