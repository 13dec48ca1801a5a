"""The conversations that the generator is timed on."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from adapters.bases import DEFAULT_ENCODER, resolve
from adapters.encoder.model import SentenceEncoder
from adapters.generator.prompt import Evidence, grounded_turns
from adapters.types import ChatTurn
from benchmarks.questions import as_searched, example_questions, examples, open_base
from bot.config import folders
from bot.words import has_han
from knowledge.types import Passage

PASSAGES = 3
PASSAGE = (
    "Invoices are sent on the first working day of each month to the billing address in your account. "
    "To change the address, open Settings, choose Billing, and save the new one before the 25th; "
    "later changes count from the following month. A lost invoice can be downloaded again for seven years."
)
QUESTIONS = (
    "When are invoices sent?",
    "How do I change the billing address, step by step?",
    "What happens when I change it on the 28th?",
    "Explain to a new colleague how invoices work.",
)
OPEN = (
    "Write a short story about a lighthouse keeper.",
    "Explain why the sky is blue.",
    "Describe a busy market in the morning.",
    "What makes a good teacher?",
    "Give advice to somebody who moves to another town.",
    "Tell me about the history of bread.",
    "How does a bicycle stay upright?",
    "Write a letter to a friend about autumn.",
)


def short(count: int) -> list[tuple[ChatTurn, ...]]:
    """Prompts of about 114 tokens."""
    return [
        (ChatTurn(role="user", content=f"{PASSAGE}\n\nQuestion {n}: {QUESTIONS[n % len(QUESTIONS)]}"),)
        for n in range(count)
    ]


def open_ended(count: int) -> list[tuple[ChatTurn, ...]]:
    """Prompts that give nothing to copy."""
    return [(ChatTurn(role="user", content=text),) for text in OPEN[:count]]


def grounded(count: int) -> list[tuple[ChatTurn, ...]]:
    """The example knowledge's English dev questions, each with the passages that are found for it."""
    encoder = SentenceEncoder(resolve(DEFAULT_ENCODER, cache=folders(os.environ).cache))
    asked = [row for row in example_questions("dev_questions") if not has_han(row["question"])][:count]
    conversations = []
    with tempfile.TemporaryDirectory() as folder:
        knowledge = open_base(examples(encoder), encoder, Path(folder))
        for row in asked:
            text = as_searched(row)
            found = knowledge.search(text, encoder.encode([text])[0])[:PASSAGES]
            conversations.append(grounded_turns(text, [_evidence(passage) for passage in found]))
    return conversations


def _evidence(passage: Passage) -> Evidence:
    chunk = passage.stored.chunk
    return Evidence(title=" > ".join(chunk.title_path), text=chunk.text)
