"""Fixtures that many tests share: the real small models, fetched once into the cache and loaded once a run."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
import pytest

from adapters.bases import DEFAULT_CHINESE_ENCODER, DEFAULT_ENCODER, DEFAULT_GENERATOR, resolve
from adapters.encoder.config import EncoderSettings
from adapters.encoder.model import SentenceEncoder


@pytest.fixture(scope="session")
def model_cache() -> Path:
    """Where the models are kept between runs: BURNISH_CACHE, or the platform's cache folder."""
    return Path(os.environ.get("BURNISH_CACHE") or platformdirs.user_cache_dir("burnish"))


@pytest.fixture(scope="session")
def encoder_folder(model_cache: Path) -> Path:
    """The default encoder, ready to load."""
    return resolve(DEFAULT_ENCODER, cache=model_cache)


@pytest.fixture(scope="session")
def chinese_encoder_folder(model_cache: Path) -> Path:
    """The Chinese encoder, ready to load."""
    return resolve(DEFAULT_CHINESE_ENCODER, cache=model_cache)


@pytest.fixture(scope="session")
def generator_folder(model_cache: Path) -> Path:
    """The default generator, ready to load."""
    return resolve(DEFAULT_GENERATOR, cache=model_cache)


@pytest.fixture(scope="session")
def encoder(encoder_folder: Path) -> SentenceEncoder:
    """The default encoder in the precision that this machine would choose."""
    return SentenceEncoder(encoder_folder, EncoderSettings())
