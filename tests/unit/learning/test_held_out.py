"""From rated examples to held-out questions."""

from __future__ import annotations

from itertools import count

from adapters.examples import AnswerExample, Examples, IntentExample, LinkExample, ShownPassage, VerdictExample
from bot.learning.held_out import HeldOut, held_out, rater_of, to_ask, without_own_answers
from knowledge.testing import MemoryStore, WordEncoder, chunk, document
from training.splits import feedback_side
from training.types import Split


def question_on(side: Split, topic: str = "refunds") -> str:
    """A question that the hash of its words puts on a side."""
    return next(text for n in count() if feedback_side(text := f"What about {topic} {n}?") is side)


TEST = question_on(Split.TEST)
GOOD = ShownPassage(uri="/a.md", title="Refunds", text="Refunds take five days.")
BAD = ShownPassage(uri="/b.md", title="Fees", text="Fees are low.")


def answer(
    question: str, text: str, *, liked: bool, better: str = "", weight: float = 1.0, by: str = "1:7"
) -> AnswerExample:
    return AnswerExample(
        question=question, passages=(GOOD,), answer=text, liked=liked, better=better, weight=weight, ratings=(by,)
    )


def test_everything_known_of_a_question_stands_together() -> None:
    examples = Examples(
        answers=(
            answer(TEST, "Never.", liked=False, better="Five days.", by="1:7"),
            answer(TEST.upper(), "In five days.", liked=True, weight=0.4, by="2:8"),
        ),
        links=(
            LinkExample(question=TEST, passage=GOOD, good=True, weight=0.5, ratings=("2:8",)),
            LinkExample(question=TEST, passage=BAD, good=False, weight=0.5, ratings=("1:7", "3:9")),
        ),
        intents=(IntentExample(question=TEST, label="question", weight=0.2, ratings=("1:7",)),),
    )
    [item] = held_out(examples, Split.TEST)
    assert item.wanted == ("Five days.", "In five days.")
    assert item.unwanted == ("Never.",)
    assert item.answerable is True
    assert (item.right, item.wrong) == (frozenset([GOOD.key]), frozenset([BAD.key]))
    assert item.pages == frozenset([GOOD.uri])
    assert item.passages == (GOOD,)
    assert item.intent == "question"
    assert item.weight == 1.0
    assert item.raters == ("7", "8", "9")


def test_only_the_questions_of_a_side_are_taken_in_an_order_that_stays() -> None:
    texts = [question_on(side, topic) for side in Split for topic in ("b", "a")]
    examples = Examples(answers=tuple(answer(text, "x", liked=True) for text in texts))
    for side in Split:
        found = [item.question for item in held_out(examples, side)]
        assert found == sorted(text for text in texts if feedback_side(text) is side)
        assert len(found) == 2


def test_whether_the_documents_tell_is_what_most_of_the_trust_says() -> None:
    def verdict(*, answerable: bool, weight: float) -> VerdictExample:
        return VerdictExample(question=TEST, scores={}, answerable=answerable, weight=weight, ratings=("1:7",))

    no, yes = verdict(answerable=False, weight=0.6), verdict(answerable=True, weight=0.5)
    assert held_out(Examples(verdicts=(no, yes)), Split.TEST)[0].answerable is False
    assert held_out(Examples(verdicts=(yes,)), Split.TEST)[0].answerable is True
    assert held_out(Examples(verdicts=(no,), answers=(answer(TEST, "Yes.", liked=True),)), Split.TEST)[0].answerable
    assert held_out(Examples(answers=(answer(TEST, "No.", liked=False),)), Split.TEST)[0].answerable is None


def test_a_correction_counts_as_somebody_of_its_own() -> None:
    assert [rater_of(rating) for rating in ("12:7", "13:7", "c:4")] == ["7", "7", "c:4"]


def test_the_curated_entry_made_of_a_question_is_hidden_from_it_alone() -> None:
    store, encoder = MemoryStore(), WordEncoder()
    chunks = [
        chunk("Five days.", question=f" {TEST.upper()} ", title="FAQ"),
        chunk("Something else.", question="Another question?", title="FAQ", ordinal=1),
        chunk(TEST, title="A page", ordinal=2),
    ]
    vectors = encoder.encode([one.embedding_text for one in chunks])
    store.replace_document(document("/faq.csv"), chunks, vectors, encoder=encoder.name)
    own = next(stored.id for stored in store.load_chunks() if stored.chunk.text == "Five days.")
    items = held_out(Examples(answers=(answer(TEST, "No.", liked=False, better="Five days."),)), Split.TEST)
    assert [item.avoid for item in without_own_answers(items, store.load_chunks())] == [{own}]


def _items(count: int, *, weight: float = 1.0) -> tuple[HeldOut, ...]:
    return tuple(HeldOut(question=f"Q{n:02}?", weight=weight, raters=(str(n),)) for n in range(count))


def test_the_dev_side_is_asked_only_where_the_test_side_cannot_decide() -> None:
    dev = (HeldOut(question="D?", raters=("9",)),)
    assert to_ask(_items(15), dev, needed=15) == (_items(15), ())
    assert to_ask(_items(14), dev, needed=15) == (_items(14), dev)
    one_person = tuple(HeldOut(question=f"Q{n}?", raters=("7",)) for n in range(14)) + _items(3)
    assert to_ask(one_person, dev, needed=15)[1] == dev, "many questions of one person say less"


def test_of_very_many_questions_those_that_are_trusted_most_are_asked_in_their_order() -> None:
    doubtful = HeldOut(question="A doubtful one?", weight=0.2)
    test, dev = to_ask((doubtful, *_items(9)), _items(9), needed=15, most=12)
    assert test == tuple(sorted((doubtful, *_items(9)), key=lambda item: item.question.lower()))
    assert len(dev) == 2
    assert to_ask((doubtful, *_items(9)), (), needed=1, most=9) == (_items(9), ())
    few = to_ask(_items(9), (), needed=1, most=4)[0]
    assert len(few) == 4
    assert few != _items(4), "not the first of the alphabet"
