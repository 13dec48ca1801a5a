"""The real encoders against sentence-transformers, the reference for both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from adapters.device import choose_device
from adapters.encoder.config import EncoderSettings
from adapters.encoder.model import SentenceEncoder
from adapters.errors import AdapterError
from adapters.types import Matrix

pytestmark = pytest.mark.models

TEXTS = (
    "How do I reset my password?",
    "Refunds take 5 to 7 business days.",
    "",
    "a",
    "The quick brown fox jumps over the lazy dog. " * 60,  # longer than either model takes
    "我的账户为何被冻结？请联系客服。",
    "naïve café №5 👍",
)


def reference(folder: Path, texts: tuple[str, ...], *, max_tokens: int) -> Matrix:
    """What sentence-transformers gives in float32 with mean pooling."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    body = Transformer(str(folder), max_seq_length=max_tokens)
    model = SentenceTransformer(modules=[body, Pooling(body.get_embedding_dimension())], device="cpu")
    vectors: Matrix = model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
    return vectors


@pytest.mark.parametrize(("dtype", "least"), [("float32", 0.999999), ("auto", 0.9999)])
def test_minilm_gives_the_vectors_of_the_reference(encoder_folder: Path, dtype: str, least: float) -> None:
    encoder = SentenceEncoder(encoder_folder, EncoderSettings(dtype=dtype, batch_size=3))
    expected = reference(encoder_folder, TEXTS, max_tokens=256)
    cosines = np.sum(encoder.encode(TEXTS) * expected, axis=1)
    said = np.array([text != "" for text in TEXTS])
    assert cosines[said].min() > least
    assert cosines[~said].min() > least - 0.0002  # two special tokens are little to average rounding over


def test_m3e_gives_the_vectors_of_the_reference_for_the_text_in_lower_case(chinese_encoder_folder: Path) -> None:
    encoder = SentenceEncoder(chinese_encoder_folder, EncoderSettings(dtype="float32"))
    expected = reference(chinese_encoder_folder, tuple(text.lower() for text in TEXTS), max_tokens=512)
    assert encoder.dimension == 512
    assert np.sum(encoder.encode(TEXTS) * expected, axis=1).min() > 0.999999


@pytest.mark.parametrize("question", ["我的账户为何被冻结？", "公司的总裁是谁？", "ฉันลืมรหัสผ่าน"])
def test_minilm_does_not_read_what_it_has_no_characters_for(encoder_folder: Path, question: str) -> None:
    assert not SentenceEncoder(encoder_folder).reads(question)


@pytest.mark.parametrize("question", ["我的账户为何被冻结？", "TiDB 的价格是多少", "How do I reset my password?"])
def test_m3e_reads_chinese_and_english(chinese_encoder_folder: Path, question: str) -> None:
    assert SentenceEncoder(chinese_encoder_folder).reads(question)


def test_m3e_tells_names_in_capitals_apart(chinese_encoder_folder: Path) -> None:
    encoder = SentenceEncoder(chinese_encoder_folder)
    one, other, same = encoder.encode(["TiDB 的价格是多少", "MySQL 的价格是多少", "tidb 的价格是多少"])
    assert one @ other < 0.95 < one @ same


def test_m3e_puts_a_chinese_paraphrase_nearer_than_another_question(chinese_encoder_folder: Path) -> None:
    encoder = SentenceEncoder(chinese_encoder_folder)
    question, paraphrase, other = encoder.encode(["我的账户为何被冻结？", "账户被冻结的原因", "发票什么时候寄出？"])
    assert question @ paraphrase > question @ other + 0.15


def test_the_name_follows_what_changes_the_vectors_and_not_the_precision(
    encoder_folder: Path, chinese_encoder_folder: Path
) -> None:
    def name(folder: Path, **settings: str | int) -> str:
        return SentenceEncoder(folder, EncoderSettings(**settings)).name  # type: ignore[arg-type]  # mixed values

    base = name(encoder_folder, dtype="float32")
    assert name(encoder_folder, dtype="bfloat16", batch_size=1) == base
    assert len({base, name(encoder_folder, max_tokens=64), name(chinese_encoder_folder)}) == 3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (EncoderSettings(max_tokens=999), "max_tokens is 999, but the encoder in .* takes 256 at most"),
        (EncoderSettings(batch_size=0), "batch_size is 0"),
        (EncoderSettings(device="tpu"), "device 'tpu' is unknown"),
    ],
)
def test_an_impossible_setting_is_one_sentence(encoder_folder: Path, settings: EncoderSettings, words: str) -> None:
    with pytest.raises(AdapterError, match=words):
        SentenceEncoder(encoder_folder, settings)


def test_a_folder_without_a_model_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(AdapterError, match="holds no model that transformers can read"):
        SentenceEncoder(tmp_path)


def test_the_chosen_precision_is_the_machines(encoder: SentenceEncoder) -> None:
    chosen = choose_device(token_by_token=False).dtype
    assert str(next(iter(encoder._body.model.parameters())).dtype) == f"torch.{chosen}"
