"""Two models that were loaded at the same time: one of them came out without weights.

transformers makes a model without weights first, under a device that holds for the whole process, so the generator
that loads in the background broke the encoder that loaded in front of it: "Cannot copy out of meta tensor; no data!".
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from adapters.encoder.config import EncoderSettings
from adapters.encoder.model import SentenceEncoder
from adapters.generator.config import GeneratorSettings
from adapters.generator.model import LocalGenerator
from adapters.types import ChatTurn, GenerationLimits

ROUNDS = 4
TEXTS = ("How do I reset my password?", "Refunds take 5 to 7 business days.")


async def answer(generator: LocalGenerator) -> str:
    """A few tokens, then the generator is closed."""
    turns = (ChatTurn(role="user", content="What is the capital of France?"),)
    pieces = [piece async for piece in generator.stream(turns, GenerationLimits(max_new_tokens=8, seconds=120))]
    await generator.aclose()
    return "".join(pieces)


@pytest.mark.models
def test_an_encoder_and_a_generator_that_load_at_once_both_have_their_weights(
    encoder_folder: Path, generator_folder: Path
) -> None:
    expected = SentenceEncoder(encoder_folder, EncoderSettings(dtype="float32")).encode(TEXTS)
    for _ in range(ROUNDS):
        start = Barrier(2)

        def load_encoder(start: Barrier = start) -> SentenceEncoder:
            start.wait()
            return SentenceEncoder(encoder_folder, EncoderSettings(dtype="float32"))

        def load_generator(start: Barrier = start) -> LocalGenerator:
            start.wait()
            return LocalGenerator(generator_folder, GeneratorSettings(dtype="float32"))

        with ThreadPoolExecutor(2) as pool:
            encoder, generator = pool.submit(load_encoder), pool.submit(load_generator)
        np.testing.assert_array_equal(encoder.result().encode(TEXTS), expected)
        assert asyncio.run(answer(generator.result())) == "The capital of France is Paris."
