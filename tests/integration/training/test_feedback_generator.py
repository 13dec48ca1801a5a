"""Ratings to an adapter: on a tiny model with the real tokenizer, and on the real generator where behaviour counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from adapters.errors import AdapterError
from adapters.examples import AnswerExample, Examples, ShownPassage
from adapters.generator.answerability import AnswerabilityHead, load_head
from adapters.generator.config import GeneratorSettings
from adapters.generator.merging import BEFORE, merged
from adapters.generator.model import LocalGenerator
from adapters.generator.prompt import Evidence, grounded_turns
from adapters.generator.shipped import FOLDER as SHIPPED
from adapters.layout import verify
from adapters.pretrained import load_causal_model, load_tokenizer
from adapters.types import GenerationLimits, Task, Verdict
from training.adapter_kinds import AdapterKind, AdapterShape, attach
from training.answer_scores import answer_scores
from training.candidates import bench
from training.errors import TooFewError, TrainingError
from training.feedback_generator import FeedbackConfig, train_generator_on_feedback
from training.ground import Ground
from training.preferences import Objective, Row, rows, support
from training.rehearsal import built_in
from training.splits import feedback_side
from training.types import Candidate, Split, TrainStep

pytestmark = pytest.mark.models

NOW = datetime(2026, 11, 26, tzinfo=UTC)
SEEN = tuple(number for number in range(1, 200) if feedback_side(f"What is the code of door {number}?") is Split.TRAIN)


def rated(number: int, *, liked: bool = False, better: bool = True) -> AnswerExample:
    """One question on a door; the answer before was the name of its colour."""
    return AnswerExample(
        question=f"What is the code of door {number}?",
        passages=(
            ShownPassage(uri="doors.md", title="Doors", text=f"Door {number} is green. Its code is {number * 11}."),
        ),
        answer=f"The code is {number * 11}." if liked else f"Door {number} is green.",
        liked=liked,
        better=f"The code is {number * 11}." if better and not liked else "",
        weight=1.0,
        ratings=(f"{number}:ada",),
    )


CORRECTED = Examples(answers=tuple(rated(number) for number in SEEN[:8]))
MIXED = Examples(
    answers=tuple(rated(number, liked=bool(place % 2), better=False) for place, number in enumerate(SEEN[:16]))
)
QUICK = FeedbackConfig(min_examples=4, batch_size=4, max_steps=4, distilled=0, evaluate_every=2)


def ground(base: Path, parent: Path | None = None) -> Ground:
    return Ground(base=base, source="package:x==1!y", parent=parent, parent_name="generator-1" if parent else "")


def figures(folder: Path) -> Mapping[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("objective", [Objective.SFT, Objective.KTO, Objective.DPO])
def test_a_rerun_gives_the_same_adapter_byte_for_byte(tiny: Path, tmp_path: Path, objective: Objective) -> None:
    config = replace(QUICK, objective=objective)
    first, second = (
        train_generator_on_feedback(CORRECTED, ground(tiny), tmp_path / name, config, now=NOW) for name in "ab"
    )
    assert verify(first.folder, full=True) is None
    assert figures(first.folder) == figures(second.folder)
    assert first.task is Task.GENERATOR
    assert first.examples == 8


def test_another_seed_gives_another_adapter(tiny: Path, tmp_path: Path) -> None:
    first, second = (
        train_generator_on_feedback(CORRECTED, ground(tiny), tmp_path / str(seed), replace(QUICK, seed=seed), now=NOW)
        for seed in (0, 1)
    )
    name = "adapter_model.safetensors"
    assert (first.folder / name).read_bytes() != (second.folder / name).read_bytes()


def test_too_few_examples_say_how_many_are_missing_and_train_nothing(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(TooFewError) as caught:
        train_generator_on_feedback(CORRECTED, ground(tiny), tmp_path / "a", replace(QUICK, min_examples=20), now=NOW)
    assert (caught.value.have, caught.value.need) == (8, 20)
    with pytest.raises(TooFewError):
        train_generator_on_feedback(Examples(), ground(tiny), tmp_path / "a", QUICK, now=NOW)
    assert not (tmp_path / "a").exists()


def test_each_step_is_told_and_the_curve_is_kept_for_tensorboard(tiny: Path, tmp_path: Path) -> None:
    told: list[TrainStep] = []
    made = train_generator_on_feedback(
        CORRECTED, ground(tiny), tmp_path / "a", QUICK, now=NOW, logs=tmp_path / "logs", on_step=told.append
    )
    assert [step.step for step in told] == list(range(1, told[0].steps + 1))
    assert made.curve == tuple(told)
    assert list((tmp_path / "logs").glob("events.out.tfevents.*"))


def test_a_missing_weights_and_biases_names_the_install_command(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="pip install wandb"):
        train_generator_on_feedback(
            CORRECTED, ground(tiny), tmp_path / "a", replace(QUICK, wandb_project="bot"), now=NOW
        )


def test_the_dev_side_says_whose_weights_are_kept_and_stops_a_training_that_goes_wrong(
    tiny: Path, tmp_path: Path
) -> None:
    held = [n for n in range(1, 400) if feedback_side(f"What is the code of door {n}?") is Split.DEV]
    examples = Examples(answers=(*CORRECTED.answers, *(rated(number) for number in held[:6])))
    config = replace(QUICK, learning_rate=30.0, max_steps=12, epochs=9, evaluate_every=1, patience=1, warm_up=0)
    made = train_generator_on_feedback(examples, ground(tiny), tmp_path / "a", config, now=NOW)
    losses = [made.metrics["dev loss before"], *(step.dev_loss or 0 for step in made.curve)]
    assert made.metrics["dev loss after"] == min(losses)
    assert losses[int(made.metrics["best step"])] == min(losses)
    assert len(made.curve) < 12


def test_answers_that_no_passage_supports_are_not_learned() -> None:
    made_up = replace(rated(SEEN[0]), better="Call Hugo in the cellar, he keeps all the numbers.")
    nowhere = replace(rated(SEEN[0]), passages=())
    assert rows([made_up, nowhere]) == ()


def test_scores_of_answers_only_are_those_of_the_whole_model(tiny: Path) -> None:
    model = load_causal_model(tiny, dtype=torch.float32)
    ids = torch.randint(100, 1000, (2, 12), generator=torch.Generator().manual_seed(0))
    labels = ids.clone()
    labels[:, :7] = -100
    with torch.inference_mode():
        expected = model(input_ids=ids).logits.log_softmax(-1)[:, 6:-1].gather(2, ids[:, 7:, None])[..., 0]
        hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]
        found = answer_scores(hidden, model.get_output_embeddings().weight, labels[:, 1:])
    assert torch.allclose(found.log_probs[:, 6:], expected, atol=1e-5)
    assert float(found.log_probs[:, :6].abs().sum()) == 0
    assert found.label_mask.sum() == 10


def margins(base: Path, adapter: Path | None, found: Sequence[Row]) -> list[float]:
    """How much likelier the good answers are than the bad ones, nats."""
    model = load_causal_model(base, dtype=torch.float32)
    if adapter is not None:
        model = merged(model, adapter)
    tokenizer = load_tokenizer(base)

    def likelihood(row: Row, answer: str) -> float:
        turns = [{"role": turn.role, "content": turn.content} for turn in row.turns]
        prompt = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        start = len(tokenizer(prompt, add_special_tokens=False)["input_ids"])
        ids = torch.tensor([tokenizer(f"{prompt}{answer}<|im_end|>", add_special_tokens=False)["input_ids"]])
        with torch.inference_mode():
            logs = model(input_ids=ids).logits.log_softmax(-1)
        return float(logs[0, start - 1 : -1].gather(1, ids[0, start:, None]).sum())

    return [likelihood(row, row.good) - likelihood(row, row.bad) for row in found]


@pytest.mark.parametrize(("objective", "examples"), [(Objective.DPO, CORRECTED), (Objective.KTO, MIXED)])
def test_preferences_move_the_margin_towards_the_good_answer(
    tiny: Path, tmp_path: Path, objective: Objective, examples: Examples
) -> None:
    config = replace(QUICK, objective=objective, max_steps=16, epochs=9, learning_rate=3e-3, rehearsal=0.0)
    made = train_generator_on_feedback(examples, ground(tiny), tmp_path / "a", config, now=NOW)
    pairs = rows(CORRECTED.answers)
    before, after = margins(tiny, None, pairs), margins(tiny, made.folder, pairs)
    assert np.mean(after) > np.mean(before) + 1


@pytest.mark.parametrize("kind", [AdapterKind.DORA, AdapterKind.ADALORA, AdapterKind.IA3])
def test_other_kinds_stand_on_the_adapter_before_and_load(tiny: Path, tmp_path: Path, kind: AdapterKind) -> None:
    first = train_generator_on_feedback(CORRECTED, ground(tiny), tmp_path / "first", QUICK, now=NOW)
    config = replace(QUICK, kind=kind.value, learning_rate=1e-2)
    made = train_generator_on_feedback(CORRECTED, ground(tiny, first.folder), tmp_path / "made", config, now=NOW)
    assert (made.folder / BEFORE / "adapter_model.safetensors").is_file()
    model = merged(load_causal_model(tiny, dtype=torch.float32), made.folder)
    below = merged(load_causal_model(tiny, dtype=torch.float32), first.folder)
    changed = [not torch.equal(one, two) for one, two in zip(model.parameters(), below.parameters(), strict=True)]
    assert any(changed)
    LocalGenerator(tiny, GeneratorSettings(dtype="float32"), adapter=made.folder)


def test_a_lora_goes_on_from_the_one_before_and_stands_alone(tiny: Path, tmp_path: Path) -> None:
    first = train_generator_on_feedback(CORRECTED, ground(tiny), tmp_path / "first", QUICK, now=NOW)
    attached = attach(tiny, first.folder, AdapterShape(), steps=1)
    assert attached.before is None
    still = replace(QUICK, learning_rate=1e-12)
    made = train_generator_on_feedback(CORRECTED, ground(tiny, first.folder), tmp_path / "made", still, now=NOW)
    assert not (made.folder / BEFORE).exists()
    name = "adapter_model.safetensors"
    assert (made.folder / name).read_bytes() == (first.folder / name).read_bytes()


def test_a_tuned_prompt_is_trained_but_refused_where_it_should_serve(tiny: Path, tmp_path: Path) -> None:
    made = train_generator_on_feedback(CORRECTED, ground(tiny), tmp_path / "a", replace(QUICK, kind="prompt"), now=NOW)
    with pytest.raises(AdapterError, match=r"tuned prompt .* cannot serve; train a LoRA instead"):
        LocalGenerator(tiny, GeneratorSettings(dtype="float32"), adapter=made.folder)


def test_settings_outside_their_range_are_named() -> None:
    with pytest.raises(TrainingError, match="batch_size must be 2 or more, not 1"):
        FeedbackConfig(batch_size=1)
    with pytest.raises(TrainingError, match="kind must be one of lora, dora"):
        FeedbackConfig(kind="lore")


def test_a_save_that_was_killed_leaves_no_complete_folder(tiny: Path, tmp_path: Path) -> None:
    made = train_generator_on_feedback(CORRECTED, ground(tiny), tmp_path / "a", QUICK, now=NOW)
    (made.folder / "manifest.json").unlink()  # the last thing that is written
    assert verify(made.folder) is not None
    with pytest.raises(TrainingError, match="is taken"):
        train_generator_on_feedback(CORRECTED, ground(tiny), tmp_path / "a", QUICK, now=NOW)
    with pytest.raises(TrainingError, match="no complete adapter"):
        train_generator_on_feedback(CORRECTED, ground(tiny, made.folder), tmp_path / "b", QUICK, now=NOW)


# -- the real generator with the adapter that ships


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory, generator_folder: Path) -> Candidate:
    """Eight corrections learned by heart."""
    config = FeedbackConfig(
        min_examples=8, batch_size=4, max_steps=16, epochs=6, learning_rate=1e-3, rehearsal=0.25, distilled=0
    )
    folder = tmp_path_factory.mktemp("real") / "adapter"
    return train_generator_on_feedback(CORRECTED, ground(generator_folder, SHIPPED), folder, config, now=NOW)


async def answers(base: Path, adapter: Path, asked: Sequence[tuple[str, Evidence]]) -> list[tuple[str, float]]:
    """What is written, and the log odds that the lines tell."""
    generator = LocalGenerator(base, GeneratorSettings(), adapter=adapter)
    found = []
    try:
        assert generator.grounded
        for question, evidence in asked:
            verdicts: list[Verdict] = []
            limits = GenerationLimits(max_new_tokens=48, seconds=120)
            turns = grounded_turns(question, [evidence])
            text = "".join([piece async for piece in generator.stream(turns, limits, judged=verdicts.append)])
            found.append((text.strip(), verdicts[0].answerable))
    finally:
        await generator.aclose()
    return found


@pytest.mark.slow
@pytest.mark.long
async def test_the_real_generator_learns_eight_answers_by_heart_and_still_judges(
    candidate: Candidate, generator_folder: Path
) -> None:
    learned = rows(CORRECTED.answers)
    found = await answers(generator_folder, candidate.folder, [(row.question, row.evidence) for row in learned])
    assert [text for text, _ in found] == [row.good for row in learned]
    assert candidate.metrics["head moved, refitted"] < candidate.metrics["head moved"]


@pytest.mark.slow
@pytest.mark.long
def test_the_version_before_says_what_is_rehearsed_of_other_questions(generator_folder: Path) -> None:
    asked = tuple((row.question, row.evidence) for row in built_in()[:3])
    at = bench(replace(ground(generator_folder, SHIPPED), regression=asked), AdapterShape(), steps=1)
    added = at.rehearsed(2)[len(built_in()) :]
    assert [row.question for row in added] == [question for question, _ in asked[:2]]
    assert [support(row.good, f"{row.evidence.title} {row.evidence.text}") > 0.9 for row in added] == [True, True]


@pytest.mark.slow
@pytest.mark.long
async def test_what_is_rehearsed_is_not_forgotten(candidate: Candidate, generator_folder: Path) -> None:
    asked = [(row.question, row.evidence) for row in built_in()[:10]]
    before = await answers(generator_folder, SHIPPED, asked)
    after = await answers(generator_folder, candidate.folder, asked)
    good = [row.good for row in built_in()[:10]]
    right = [sum(text == wanted for (text, _), wanted in zip(found, good, strict=True)) for found in (before, after)]
    assert right[1] >= right[0] - 1  # the bound: one of ten
    head = load_head(candidate.folder, dimension=576)
    assert isinstance(head, AnswerabilityHead)
    card = json.loads((candidate.folder / "card.json").read_text())
    assert card["parent"] == "generator-1"
