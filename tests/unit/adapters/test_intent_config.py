"""What an intents file may say, and what is said about one that is wrong."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from adapters.intent.config import (
    IntentFileError,
    IntentRoute,
    load_definitions,
    parse_definitions,
    training_rows,
)
from adapters.intent.match import has_cjk, plain
from training.dataset import load_rows

HELD_OUT = Path(__file__).parents[2] / "data" / "builtin_intents_heldout.csv"

REFUND = """
[[intent]]
name = "refund_status"
description = "Somebody asks where a refund is."
examples = ["where is my refund?", "退款到哪里了"]
reply.en = "{name} says: refunds take five days."
reply.zh = "退款需要五天。"
"""


def test_the_built_in_intents_are_the_seven_with_examples_and_replies_in_both_languages() -> None:
    definitions = {definition.name: definition for definition in load_definitions()}
    assert list(definitions) == ["question", "greeting", "thanks", "goodbye", "human", "complaint", "out_of_scope"]
    for name, definition in definitions.items():
        chinese = sum(has_cjk(example) for example in definition.examples)
        assert chinese >= 10, name
        assert len(definition.examples) - chinese >= 25, name
        assert set(definition.reply) == (set() if name == "question" else {"en", "zh"})
    assert definitions["question"].route is IntentRoute.QUESTION
    assert definitions["human"].route is IntentRoute.HUMAN
    assert definitions["out_of_scope"].route is IntentRoute.REFUSE


def test_no_built_in_example_stands_under_two_intents() -> None:
    rows = training_rows(load_definitions())
    labels = {(plain(row.text), row.label) for row in rows}
    assert [text for text, count in Counter(text for text, _ in labels).items() if count > 1] == []


def test_no_held_out_message_is_among_the_built_in_examples() -> None:
    examples = {plain(row.text) for row in training_rows(load_definitions())}
    held_out = load_rows(HELD_OUT)
    assert [row.text for row in held_out if plain(row.text) in examples] == []
    assert min(Counter(row.label for row in held_out).values()) >= 16


def test_a_new_intent_with_a_reply_says_it() -> None:
    (intent,) = parse_definitions(REFUND, origin="intents.toml")
    assert intent.route is IntentRoute.REPLY
    assert intent.examples == ("where is my refund?", "退款到哪里了")
    assert intent.reply_in("en", name="Ada") == "Ada says: refunds take five days."
    assert intent.reply_in("zh", name="Ada") == "退款需要五天。"


def test_a_reply_in_a_language_that_is_not_there_comes_in_english_else_in_any() -> None:
    (intent,) = parse_definitions(REFUND, origin="intents.toml")
    assert intent.reply_in("fr", name="Ada") == "Ada says: refunds take five days."
    (only_chinese,) = parse_definitions('[[intent]]\nname="a"\nexamples=["x"]\nreply.zh="好"', origin="f")
    assert only_chinese.reply_in("en", name="Ada") == "好"


def test_an_intent_without_route_and_reply_searches_the_documents() -> None:
    (intent,) = parse_definitions('[[intent]]\nname = "billing"\ndescription = "About bills."', origin="f")
    assert intent.route is IntentRoute.QUESTION
    assert intent.reply_in("en", name="Ada") is None


def test_an_entry_with_a_built_in_name_adds_examples_and_replaces_what_it_gives() -> None:
    builtin = {definition.name: definition for definition in load_definitions()}
    text = '[[intent]]\nname = "thanks"\nexamples = ["thanks", "gracias"]\nreply.en = "Any time."'
    merged = {
        definition.name: definition for definition in parse_definitions(text, origin="f", base=tuple(builtin.values()))
    }
    assert list(merged) == list(builtin)
    assert merged["thanks"].examples == (*builtin["thanks"].examples, "gracias")
    assert dict(merged["thanks"].reply) == {"en": "Any time."}
    assert merged["thanks"].description == builtin["thanks"].description
    assert merged["thanks"].route is IntentRoute.REPLY


def test_a_team_file_is_read_on_top_of_the_built_in_intents(tmp_path: Path) -> None:
    path = tmp_path / "intents.toml"
    path.write_text(REFUND, encoding="utf-8-sig")  # as Windows editors save it
    assert [definition.name for definition in load_definitions(path)][-1] == "refund_status"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "f has no [[intent]]; give at least one with a name and examples."),
        ('name = "a"', 'f: "name" is not known here; write [[intent]] before each intent.'),
        ('[intent]\nname = "a"', "f: each intent starts with [[intent]], in two pairs of brackets."),
        ("[[intent]\n", "f is not valid TOML"),
        ('[[intent]]\nexamples = ["x"]', "f, intent 1: name must be 1 to 64 lower-case letters"),
        ('[[intent]]\nname = "Refund Status"', 'such as "refund_status", not "Refund Status".'),
        (
            '[[intent]]\nname = "a"\nexmples = ["x"]',
            'f, intent 1 ("a"): "exmples" is not known; did you mean "examples"?',
        ),
        ('[[intent]]\nname = "a"\nexamples = "x"', 'examples is a list of texts in square brackets, not "x".'),
        ('[[intent]]\nname = "a"\nexamples = ["x", 3]', 'f, intent 1 ("a"): example 2 must be a text of 1 to 2,000'),
        ('[[intent]]\nname = "a"\nexamples = ["x", "  "]', "example 2 must be a text of 1 to 2,000 characters"),
        ('[[intent]]\nname = "a"', "give examples, or at least a description"),
        (
            '[[intent]]\nname = "a"\nexamples = ["x"]\nroute = "humans"',
            'route "humans" is not known; did you mean "human"?',
        ),
        ('[[intent]]\nname = "a"\nexamples = ["x"]\nroute = "reply"', 'route "reply" needs a text to say'),
        ('[[intent]]\nname = "a"\nexamples = ["x"]\nreply.english = "y"', "reply.english names no language"),
        ('[[intent]]\nname = "a"\nexamples = ["x"]\nreply.en = 3', "reply.en must be a text"),
        (
            '[[intent]]\nname = "a"\nexamples = ["x"]\n[[intent]]\nname = "a"\nexamples = ["y"]',
            'f, intent 2 ("a"): this name was used before in the file',
        ),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_was_expected(text: str, sentence: str) -> None:
    with pytest.raises(IntentFileError) as caught:
        parse_definitions(text, origin="f")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(IntentFileError, match=r"nowhere.toml cannot be read \(No such file or directory\)"):
        load_definitions(tmp_path / "nowhere.toml")


def test_a_file_that_is_not_utf8_is_named_with_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "intents.toml"
    path.write_bytes(b"# \xff")
    with pytest.raises(IntentFileError, match=r"is not UTF-8 text \(byte 2\); save it as UTF-8"):
        load_definitions(path)
