"""A head from definitions alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adapters.intent.config import IntentDefinition, load_definitions, parse_definitions
from adapters.intent.match import has_cjk
from adapters.testing import FakeEncoder
from adapters.types import Matrix
from training.few_shot import FEW_EXAMPLES, few_shot, few_shot_rows, few_shot_training, fit_layer

ENCODER = FakeEncoder()


class Illiterate(FakeEncoder):
    """Sees no difference between one Chinese text and another."""

    def encode(self, texts: Sequence[str]) -> Matrix:
        return super().encode(["unknown" if has_cjk(text) else text for text in texts])


def defined(text: str) -> tuple[IntentDefinition, ...]:
    return parse_definitions(text, origin="test", base=load_definitions())


def test_it_knows_its_examples_and_tells_new_messages_apart() -> None:
    training = few_shot_training(load_definitions(), ENCODER)
    texts = ["thank you for the help", "goodbye then", "please let me speak to a human", "tell me a good joke"]
    found = training.head.classify(ENCODER.encode(texts))
    assert [intent.label for intent in found] == ["thanks", "goodbye", "human", "out_of_scope"]
    assert 0.6 < training.dev_accuracy <= 1
    assert training.dev_calibration_error < 0.15
    assert training.epochs == ()
    assert training.best_epoch == 0


def test_the_same_definitions_give_the_same_head() -> None:
    first, again = few_shot(load_definitions(), ENCODER), few_shot(load_definitions(), ENCODER)
    assert first.name == again.name
    assert first.name.startswith("intent-few-shot-")
    np.testing.assert_array_equal(first.weight, again.weight)


def test_a_team_intent_with_a_description_alone_is_recognised() -> None:
    definitions = defined('[[intent]]\nname = "refund_status"\ndescription = "where is the refund reimbursement"')
    head = few_shot(definitions, ENCODER)
    (intent,) = head.classify(ENCODER.encode(["refund reimbursement where"]))
    assert intent.label == "refund_status"


def test_descriptions_train_only_where_examples_are_few() -> None:
    definitions = defined('[[intent]]\nname = "a"\ndescription = "About a."\nexamples = ["x"]')
    described = [row.text for row in few_shot_rows(definitions) if row.text in {d.description for d in definitions}]
    assert described == ["About a."]
    assert all(len(definition.examples) >= FEW_EXAMPLES for definition in load_definitions())


def test_an_encoder_that_reads_no_chinese_never_takes_a_chinese_question_for_small_talk() -> None:
    encoder = Illiterate()
    head = few_shot(load_definitions(), encoder)
    found = head.classify(encoder.encode(["怎么申请退款", "谢谢", "thank you so much"]))
    assert [intent.label for intent in found] == ["question", "question", "thanks"]
    assert set(head.labels) == {definition.name for definition in load_definitions()}


def test_an_encoder_that_reads_chinese_uses_the_chinese_examples() -> None:
    definitions = parse_definitions(
        "\n".join(
            f'[[intent]]\nname = "{name}"\nexamples = [{", ".join(repr(word * count) for count in range(1, 6))}]'
            for name, word in (("question", "退款"), ("thanks", "谢谢"), ("goodbye", "再见"))
        ),
        origin="test",
    )
    (intent,) = few_shot(definitions, ENCODER).classify(ENCODER.encode(["谢谢啊"]))
    assert intent.label == "thanks"


def test_definitions_without_any_example_make_a_zero_shot_head() -> None:
    definitions = parse_definitions(
        '[[intent]]\nname = "a"\ndescription = "asks about refunds"\n'
        '[[intent]]\nname = "b"\ndescription = "says hello"',
        origin="test",
    )
    head = few_shot(definitions, ENCODER)
    assert head.name == "intent-zero-shot"
    assert head.classify(ENCODER.encode(["hello"]))[0].label == "b"


def test_one_intent_alone_needs_no_layer() -> None:
    head = few_shot(parse_definitions('[[intent]]\nname = "a"\nexamples = ["x", "y"]', origin="test"), ENCODER)
    assert head.labels == ("a",)


def test_two_labels_give_a_layer_that_tells_them_apart() -> None:
    embeddings = np.eye(4, dtype=np.float32)
    weight, bias = fit_layer(embeddings, np.array([0, 0, 2, 2]), 3)
    logits = embeddings @ weight.T + bias
    assert weight.shape == (3, 4)
    np.testing.assert_array_equal(logits.argmax(axis=1), [0, 0, 2, 2])
