"""What a generator must not forget: grounded questions of our own, and what the version before answers to others."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from adapters.generator.prompt import Evidence, grounded_turns
from adapters.types import ChatTurn
from training.preferences import NEAREST, Row

if TYPE_CHECKING:
    from adapters.types import Matrix

FILE: Final = Path(__file__).with_name("rehearsal.toml")
BATCH: Final = 16  # prompts that are computed together
LONGEST_ANSWER: Final = 64  # tokens


def built_in() -> tuple[Row, ...]:
    """The questions that ship with the program."""
    entries = tomllib.loads(FILE.read_text(encoding="utf-8"))["entry"]
    return tuple(
        Row(
            question=entry["question"],
            evidence=Evidence(title=entry["title"], text=entry["text"]),
            good=entry["answer"],
            bad="",
            weight=1.0,
        )
        for entry in entries
    )


def example_questions(folder: Path) -> tuple[tuple[str, Evidence], ...]:
    """The dev questions of the example knowledge with the lines of their page; none where the folder has none.

    Args:
        folder: Holds dev_questions.jsonl and help-centre/.
    """
    path = folder / "dev_questions.jsonl"
    if not path.is_file():
        return ()
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    found = []
    for case in cases:
        page = folder / "help-centre" / case.get("source", "")
        if case["expect"] == "answer" and page.suffix == ".md" and page.is_file():
            _, head, text = page.read_text(encoding="utf-8").split("---\n", 2)
            title = head.removeprefix("title:").strip()
            found.append((case["question"], Evidence(title=title, text=NEAREST(case["question"], text))))
    return tuple(found)


def foreign_prompts(found: Sequence[Row]) -> list[tuple[ChatTurn, ...]]:
    """Each question with the lines of another one: prompts that hold no answer."""
    return [
        grounded_turns(row.question, [other.evidence])
        for row, other in zip(found, (*found[1:], *found[:1]), strict=True)
        if row.evidence != other.evidence
    ]


def with_foreign_answers(found: Sequence[Row]) -> tuple[Row, ...]:
    """Each question with another one's answer as the bad one."""
    others = (*found[1:], *found[:1])
    return tuple(
        replace(row, bad=other.good) for row, other in zip(found, others, strict=True) if row.good != other.good
    )


def answered(model: Any, tokenizer: Any, prompts: Sequence[Sequence[ChatTurn]]) -> list[str]:  # noqa: ANN401 - peft and transformers ship no types
    """What a model answers greedily, "" where it does not come to an end."""
    import torch

    answers: list[str] = []
    model.eval()
    with torch.inference_mode():
        for batch in _padded(tokenizer, prompts, model.device):
            tokens = model.generate(
                **batch, max_new_tokens=LONGEST_ANSWER, do_sample=False, pad_token_id=tokenizer.eos_token_id
            )
            for row in tokens[:, batch["input_ids"].shape[1] :].tolist():
                ended = tokenizer.eos_token_id in row
                answers.append(tokenizer.decode(row, skip_special_tokens=True).strip() if ended else "")
    return answers


def prompt_states(model: Any, tokenizer: Any, prompts: Sequence[Sequence[ChatTurn]]) -> Matrix:  # noqa: ANN401 - as above
    """The hidden state of each prompt's last token, as the answerability head reads it, shape (n, dim)."""
    import numpy as np
    import torch

    states = []
    order = sorted(range(len(prompts)), key=lambda place: sum(len(turn.content) for turn in prompts[place]))
    model.eval()
    with torch.inference_mode():
        for batch in _padded(tokenizer, [prompts[place] for place in order], model.device):  # little is padded so
            hidden = model(**batch, output_hidden_states=True, logits_to_keep=1, use_cache=False).hidden_states[-1]
            states.append(hidden[:, -1].float().cpu().numpy())
    return np.concatenate(states)[np.argsort(order)]


def _padded(tokenizer: Any, prompts: Sequence[Sequence[ChatTurn]], device: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as above
    """Prompts as batches of tokens, padded on the left."""
    texts = [
        tokenizer.apply_chat_template(
            [{"role": turn.role, "content": turn.content} for turn in turns], tokenize=False, add_generation_prompt=True
        )
        for turns in prompts
    ]
    return [
        dict(
            tokenizer(
                texts[start : start + BATCH], add_special_tokens=False, padding=True, padding_side="left",
                return_tensors="pt",
            ).to(device)
        )
        for start in range(0, len(texts), BATCH)
    ]  # fmt: skip
