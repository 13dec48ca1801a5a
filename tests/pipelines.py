"""Message paths over little help centres, with fake models and the real search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adapters.intent.config import IntentDefinition, IntentRoute
from adapters.testing import ScriptedGenerator
from adapters.types import Generator
from bot.config import Settings
from bot.pipeline import Done, Event, Pipeline
from bot.testing import fake_pipeline, teach
from bot.types import Answer, Turn
from knowledge.testing import MemoryStore, chunk
from knowledge.types import Chunk

REFUNDS = (
    "Refunds reach your bank within five working days. Fees are kept by the card company. Ask the desk about delays."
)
INVOICES = "Invoices are sent by mail on the first day of each month."
REFUND_QUESTION = "What happens to refunds and fees?"
FROZEN = "Three wrong passwords freeze an account for 30 minutes."
FROZEN_QUESTION = "Why is my account frozen?"
DEFINITIONS = [
    IntentDefinition(
        name="greeting",
        description="",
        examples=("hi",),
        route=IntentRoute.REPLY,
        reply={"en": "Hello, I am {name}.", "zh": "你好，我是{name}。"},
    ),
    IntentDefinition(name="human", description="", examples=("human",), route=IntentRoute.HUMAN, reply={}),
    IntentDefinition(name="out_of_scope", description="", examples=("x",), route=IntentRoute.REFUSE, reply={}),
]
HELP = [
    chunk(REFUNDS, title="Refunds"),
    chunk(INVOICES, title="Invoices", ordinal=1),
    chunk(FROZEN, question=FROZEN_QUESTION, title="FAQ", ordinal=2),
]


def settings(bot: Mapping[str, Any] | None = None, **answers: float) -> Settings:
    """Settings under which every question may be answered, whatever the thresholds' defaults are."""
    return Settings.model_validate({"bot": bot or {}, "answers": {"min_answerability": 0.0, **answers}})


def refusing(bot: Mapping[str, Any] | None = None, **answers: float) -> Settings:
    """Settings under which no passage is ever good enough."""
    return settings(bot, **{"min_answerability": 1.0, "suggestion_similarity": 1.0, **answers})


def pipeline(
    folder: Path,
    *script: str | Exception,
    chunks: Sequence[Chunk] = HELP,
    generator: Generator | None = None,
    **parts: Any,  # noqa: ANN401 - handed on to fake_pipeline
) -> Pipeline:
    store = MemoryStore()
    if chunks:
        teach(store, *chunks)
    return fake_pipeline(
        store,
        folder,
        generator=generator or ScriptedGenerator(script),
        **{"settings": settings(), "definitions": DEFINITIONS, **parts},
    )


async def events(
    path: Pipeline, text: str, *, history: Sequence[Turn] = (), collections: Sequence[str] | None = None
) -> list[Event]:
    return [event async for event in path.answer(text, history=history, collections=collections)]


async def answer(
    path: Pipeline, text: str, *, history: Sequence[Turn] = (), collections: Sequence[str] | None = None
) -> Answer:
    last = (await events(path, text, history=history, collections=collections))[-1]
    assert isinstance(last, Done)
    return last.answer
