"""The generator's trainer on a tiny model with the real tokenizer: packing, learning, and what it wrote loads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.bases import fingerprint
from adapters.errors import AdapterError
from adapters.generator.config import GeneratorSettings
from adapters.generator.model import LocalGenerator
from adapters.generator.prompt import Evidence, Style, grounded_turns
from adapters.layout import verify
from adapters.pretrained import load_causal_model, load_tokenizer
from adapters.types import GenerationLimits, Verdict
from training.base_adapter import write_adapter
from training.errors import TrainingError
from training.grounding import IGNORED, GroundedGroup, GroundedQuestion, GroupPacker
from training.train_generator import GeneratorTrainConfig, GeneratorTraining, losses, train_generator

pytestmark = pytest.mark.models

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PASSAGE = Evidence(title="Fees", text="A payment with iDEAL costs 32 cents. Refunds take five days.")
GROUP = GroundedGroup(
    passages=(PASSAGE,),
    questions=(
        GroundedQuestion(text="What does iDEAL cost?", style=Style.SHORT, answer="32 cents"),
        GroundedQuestion(text="How long do refunds take?", answer="Refunds take five days."),
        GroundedQuestion(text="What does PayPal cost?"),
    ),
)
EIGHT = tuple(
    GroundedGroup(
        passages=(Evidence(title="", text=f"The code of door {n} is {n * 11}."),),
        questions=(
            GroundedQuestion(text=f"What is the code of door {n}?", style=Style.SHORT, answer=str(n * 11)),
            GroundedQuestion(text=f"Who painted door {n}?"),
        ),
    )
    for n in range(1, 5)
)
OVERFIT = GeneratorTrainConfig(rank=16, epochs=140, questions_per_step=2, learning_rate=0.003, head_learning_rate=0.01)


@pytest.fixture(scope="module")
def learned(tiny: Path) -> GeneratorTraining:
    return train_generator(tiny, lambda _: EIGHT, (), OVERFIT)


class Bare:
    """A model as losses() finds it under peft."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - transformers ships no types
        self.base_model = self
        self.model = model


OWN = GroundedGroup(
    passages=(),
    questions=tuple(replace(question, passages=(PASSAGE,) * (1 + n)) for n, question in enumerate(GROUP.questions)),
)


@pytest.mark.parametrize("group", [GROUP, OWN], ids=["one passage", "a passage each"])
def test_packed_questions_have_the_losses_that_they_have_alone(tiny: Path, group: GroundedGroup) -> None:
    model = load_causal_model(tiny, dtype=torch.float32)
    model.set_attn_implementation("eager")
    packer, head = GroupPacker(load_tokenizer(tiny)), torch.nn.Linear(64, 1)
    together = packer.pack(group)
    assert together is not None
    with torch.inference_mode():
        answers, _, asked = losses(Bare(model), head, together)
        alone = [losses(Bare(model), head, pack) for pack in map(packer.pack, _each(group)) if pack is not None]
    assert torch.allclose(asked, torch.cat([logits for _, _, logits in alone]), atol=1e-5)
    assert answers.item() == pytest.approx(sum(loss.item() for loss, _, _ in alone) / 2, abs=1e-5)  # two are answered


def _each(group: GroundedGroup) -> Iterator[GroundedGroup]:
    return (replace(group, questions=(question,)) for question in group.questions)


def test_only_the_answers_tokens_and_their_end_are_learned(tiny: Path) -> None:
    tokenizer = load_tokenizer(tiny)
    pack = GroupPacker(tokenizer).pack(GROUP)
    assert pack is not None
    learned = [int(label) for label in pack.labels if label != IGNORED]
    assert tokenizer.decode(learned) == "32 cents<|im_end|>Refunds take five days.<|im_end|>"
    assert pack.answerable.tolist() == [1.0, 1.0, 0.0]


def test_a_prompt_is_cut_into_prefix_and_question_without_changing_its_tokens(tiny: Path) -> None:
    tokenizer = load_tokenizer(tiny)
    prefix, rest = GroupPacker(tokenizer).split(GROUP, GROUP.questions[0])
    turns = grounded_turns("What does iDEAL cost?", [PASSAGE], style=Style.SHORT)
    whole = tokenizer.apply_chat_template(
        [{"role": turn.role, "content": turn.content} for turn in turns], tokenize=False, add_generation_prompt=True
    )
    assert prefix + rest == tokenizer(whole, add_special_tokens=False)["input_ids"]


def test_a_group_that_is_too_long_loses_its_last_questions(tiny: Path) -> None:
    tokenizer = load_tokenizer(tiny)
    prefix, rest = GroupPacker(tokenizer).split(GROUP, GROUP.questions[0])
    pack = GroupPacker(tokenizer, max_tokens=len(prefix) + len(rest) + 20).pack(GROUP)
    assert pack is not None
    assert len(pack.asked) == 1
    assert GroupPacker(tokenizer, max_tokens=10).pack(GROUP) is None


def test_the_trainer_overfits_eight_examples(learned: GeneratorTraining) -> None:
    first, last = learned.epochs[0], learned.epochs[-1]
    assert first.train_loss > 5
    assert last.train_loss < first.train_loss / 5
    assert last.head_loss < 0.2


def test_the_same_seed_gives_the_same_adapter(tiny: Path) -> None:
    config = replace(OVERFIT, epochs=2)
    first, second = (train_generator(tiny, lambda _: EIGHT, (), config) for _ in range(2))
    assert torch.equal(first.head.weight, second.head.weight)
    pairs = zip(first.model.state_dict().items(), second.model.state_dict().items(), strict=True)
    assert all(torch.equal(a, b) for (_, a), (_, b) in pairs)


def test_there_must_be_a_question(tiny: Path) -> None:
    with pytest.raises(TrainingError, match="not one question"):
        train_generator(tiny, lambda _: (), (), OVERFIT)


async def test_what_was_written_is_loaded_answers_and_judges(
    learned: GeneratorTraining, tiny: Path, tmp_path: Path
) -> None:
    card = {"name": "door codes"}
    write_adapter(learned, tmp_path / "adapter", base=tiny, source="package:x==1!y", card=card, now=NOW)
    assert verify(tmp_path / "adapter", full=True) is None
    written = (tmp_path / "adapter" / "adapter_config.json").read_text()
    assert str(tiny) not in written  # no path of the machine that trained it
    assert json.loads(written)["base_model_name_or_path"] == "package:x==1!y"
    generator = LocalGenerator(tiny, GeneratorSettings(dtype="float32"), adapter=tmp_path / "adapter")
    try:
        assert generator.grounded
        verdicts: list[Verdict] = []
        for question in ("What is the code of door 3?", "Who painted door 3?"):
            turns = grounded_turns(question, EIGHT[2].passages, style=Style.SHORT)
            limits = GenerationLimits(max_new_tokens=8, seconds=60)
            text = "".join([piece async for piece in generator.stream(turns, limits, judged=verdicts.append)])
            if question.startswith("What"):
                assert text.strip() == "33"
        assert verdicts[0].answerable > 0 > verdicts[1].answerable
    finally:
        await generator.aclose()


def test_an_adapter_of_another_model_is_refused(learned: GeneratorTraining, tiny: Path, tmp_path: Path) -> None:
    write_adapter(learned, tmp_path / "adapter", base=tiny, source="x", card={"name": "n"}, now=NOW)
    other = tmp_path / "other"
    other.mkdir()
    for file in tiny.iterdir():
        (other / file.name).write_bytes(file.read_bytes() + (b" " if file.suffix == ".json" else b""))
    assert fingerprint(other) != fingerprint(tiny)
    with pytest.raises(AdapterError, match="was trained on the base model"):
        LocalGenerator(other, GeneratorSettings(dtype="float32"), adapter=tmp_path / "adapter")
