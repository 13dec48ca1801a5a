"""The project's own encoders for the benchmarks, from the cache that the program uses."""

from __future__ import annotations

import os

from adapters.bases import DEFAULT_CHINESE_ENCODER, DEFAULT_ENCODER, resolve
from adapters.encoder.model import SentenceEncoder
from bot.config import folders

SOURCES = {"en": DEFAULT_ENCODER, "zh": DEFAULT_CHINESE_ENCODER}
LABELS = {"en": "all-MiniLM-L6-v2", "zh": "m3e-small"}


def load(language: str) -> SentenceEncoder:
    """Load the encoder for a language, fetching it into the cache (BURNISH_CACHE) if it is not there yet."""
    return SentenceEncoder(resolve(SOURCES[language], cache=folders(os.environ).cache))
