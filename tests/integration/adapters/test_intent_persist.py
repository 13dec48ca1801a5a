"""An intent classifier on disk: whole, the old one, or a clear sentence."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from adapters.encoder.adapter import DELTA_FILE, EncoderDelta, load_delta
from adapters.errors import AdapterError
from adapters.intent.classifier import EnsembleClassifier, TunedEncoder
from adapters.intent.ensemble import IntentEnsemble
from adapters.intent.lexical import FEATURES, LexicalLayer, features
from adapters.intent.model import IntentHead, ScopeModel
from adapters.intent.persist import MANIFEST, has_tuned_encoder, load, save, save_ensemble
from adapters.testing import FakeEncoder

EMBEDDINGS = np.array([[0.8, 0.6], [0.0, 1.0]], dtype=np.float32)
HEAD = IntentHead(
    name="intent-20261124-abc123",
    encoder="minilm",
    labels=("question", "thanks"),
    weight=np.array([[3.0, 0.1], [0.2, 2.0]], dtype=np.float32),
    bias=np.array([0.1, -0.1], dtype=np.float32),
    temperature=0.7,
    examples=np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32),
    starts=np.array([0, 1]),
    neighbour_weight=4.0,
    neighbour_sharpness=2.0,
    scope=ScopeModel(coefficients=np.array([1.0, 2.0, -1.0]), intercept=0.5, quantiles=None),
)
TEXTS = ("the question", "many thanks")
NOW = datetime(2026, 11, 24, tzinfo=UTC)
BASE = "f" * 64
TUNED = FakeEncoder(dimension=16)


def classifier(number: int = 1, *, words: bool = True, tuned: bool = True) -> EnsembleClassifier:
    """An ensemble whose every part depends on a number."""
    first = replace(HEAD, bias=np.full(2, number, dtype=np.float32))
    rows = TUNED.encode(TEXTS)
    second = replace(first, name="intent-tuned", encoder=TUNED.name, weight=number * rows, examples=rows)
    weight = np.zeros((FEATURES, 2), dtype=np.float16)
    weight[list(features("thanks")), 1] = 0.25 * number
    layer = LexicalLayer(
        rarity=np.ones(FEATURES, dtype=np.float32), weight=weight, bias=np.full(2, -0.5, dtype=np.float32)
    )
    delta = EncoderDelta(base=BASE, tensors={"layer": np.full(3, number, dtype=np.float16)})
    return EnsembleClassifier(
        name=f"intent-{number}+words+tuned",
        ensemble=IntentEnsemble(
            heads=(first, second) if tuned else (first,),
            weights=(1.0, 0.5) if tuned else (1.0,),
            words=layer if words else None,
            words_weight=2.0 if words else 0.0,
            temperature=0.1 + 1 / number,  # no float of few digits
            scope=ScopeModel(
                coefficients=np.arange(10 if tuned else 5) / 7, intercept=0.1, quantiles=np.linspace(0.1, 9, 5)
            ),
        ),
        tuned=(TunedEncoder(encoder=TUNED, delta=delta),) if tuned else (),
    )


def tuned_encoder(folder: Path) -> TunedEncoder:
    """Reads the delta as the program does; the fake encoder does not change by it."""
    return TunedEncoder(encoder=TUNED, delta=load_delta(folder, base=BASE))


def loaded(folder: Path) -> EnsembleClassifier:
    back = load(folder, encoder="minilm", tuned=tuned_encoder)
    assert isinstance(back, EnsembleClassifier)
    return back


def loaded_head(folder: Path) -> IntentHead:
    back = load(folder, encoder="minilm")
    assert isinstance(back, IntentHead)
    return back


@pytest.mark.parametrize("quantiles", [None, np.array([0.1, 0.5, 0.9])])
def test_a_head_comes_back_as_it_was(tmp_path: Path, quantiles: np.ndarray | None) -> None:
    head = replace(HEAD, scope=replace(HEAD.scope, quantiles=quantiles))
    save(head, tmp_path / "head")
    back = loaded_head(tmp_path / "head")
    assert (back.name, back.labels) == (head.name, head.labels)
    assert back.classify(EMBEDDINGS) == head.classify(EMBEDDINGS)


def test_a_folder_without_a_head_gives_none(tmp_path: Path) -> None:
    assert load(tmp_path, encoder="minilm") is None
    assert load(tmp_path / "nowhere", encoder="minilm") is None


def test_the_next_head_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    for number in range(4):
        save(replace(HEAD, name=f"intent-{number}", bias=np.full(2, number, dtype=np.float32)), tmp_path)
    back = load(tmp_path, encoder="minilm")
    assert back is not None
    assert back.name == "intent-3"
    assert len(list(tmp_path.glob("head-*.safetensors"))) == 2  # the last one's, and the one before for its readers


def test_a_head_as_earlier_versions_wrote_it_still_loads(tmp_path: Path) -> None:
    arrays: dict[str, np.ndarray] = {
        "weight": HEAD.weight,
        "bias": HEAD.bias,
        "examples": HEAD.examples,
        "starts": HEAD.starts,
        "scope_coefficients": HEAD.scope.coefficients,
        "scope_quantiles": np.zeros(0),
    }
    save_file(arrays, tmp_path / "tensors")
    digest = hashlib.sha256((tmp_path / "tensors").read_bytes()).hexdigest()
    (tmp_path / "tensors").rename(tmp_path / f"head-{digest[:16]}.safetensors")
    manifest = {
        "format": 1,
        "name": HEAD.name,
        "encoder": "minilm",
        "labels": ["question", "thanks"],
        "temperature": 0.7,
        "neighbour_weight": 4.0,
        "neighbour_sharpness": 2.0,
        "scope_intercept": 0.5,
        "tensors": f"head-{digest[:16]}.safetensors",
        "sha256": digest,
    }
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    assert loaded_head(tmp_path).classify(EMBEDDINGS) == HEAD.classify(EMBEDDINGS)


@pytest.mark.parametrize(("words", "tuned"), [(True, False), (False, True), (True, True)])
def test_an_ensemble_comes_back_as_it_was(tmp_path: Path, *, words: bool, tuned: bool) -> None:
    before = classifier(3, words=words, tuned=tuned)
    save_ensemble(before, tmp_path, created_at=NOW)
    back = loaded(tmp_path)
    assert (back.name, back.labels) == (before.name, before.labels)
    assert back.predict(TEXTS, EMBEDDINGS) == before.predict(TEXTS, EMBEDDINGS)
    assert [one.delta.digest for one in back.tuned] == [one.delta.digest for one in before.tuned]
    assert has_tuned_encoder(tmp_path) is tuned


def test_words_are_kept_in_half_precision(tmp_path: Path) -> None:
    save_ensemble(classifier(), tmp_path, created_at=NOW)
    (tensors,) = tmp_path.glob("head-*.safetensors")
    assert load_file(tensors)["words.weight"].dtype == np.float16
    assert tensors.stat().st_size < 2 * FEATURES * 2 + 4 * FEATURES + 10_000


def test_a_head_takes_the_place_of_an_ensemble_and_the_other_way_round(tmp_path: Path) -> None:
    save(HEAD, tmp_path)
    save_ensemble(classifier(2), tmp_path, created_at=NOW)
    assert loaded(tmp_path).name == "intent-2+words+tuned"
    save(HEAD, tmp_path)
    assert loaded_head(tmp_path).name == HEAD.name
    assert not has_tuned_encoder(tmp_path)
    assert len(list(tmp_path.glob("encoder-*"))) == 1  # for those who have just read the manifest before
    save(replace(HEAD, name="intent-next"), tmp_path)
    assert list(tmp_path.glob("encoder-*")) == []
    assert sorted(path.suffix for path in tmp_path.iterdir() if path.name[0] != ".") == [".json", ".safetensors"]


def test_an_encoder_that_stays_the_same_is_not_written_again(tmp_path: Path) -> None:
    save_ensemble(classifier(), tmp_path, created_at=NOW)
    (delta,) = tmp_path.glob("encoder-*")
    inode = (delta / DELTA_FILE).stat().st_ino
    save_ensemble(replace(classifier(), name="intent-refitted"), tmp_path, created_at=NOW)
    assert (delta / DELTA_FILE).stat().st_ino == inode
    (delta / DELTA_FILE).write_bytes(b"torn")
    save_ensemble(classifier(), tmp_path, created_at=NOW)
    assert loaded(tmp_path).tuned[0].delta.digest == classifier().tuned[0].delta.digest


def test_an_ensemble_of_another_encoder_is_refused(tmp_path: Path) -> None:
    save_ensemble(classifier(), tmp_path, created_at=NOW)
    with pytest.raises(AdapterError, match=r'was made for the encoder "minilm", not "m3e"; train it again'):
        load(tmp_path, encoder="m3e", tuned=tuned_encoder)


def test_a_damaged_or_missing_tuned_encoder_is_refused(tmp_path: Path) -> None:
    save_ensemble(classifier(), tmp_path, created_at=NOW)
    with pytest.raises(AdapterError, match=r"has a tuned encoder, which cannot be loaded here; train it again"):
        load(tmp_path, encoder="minilm")
    (delta,) = tmp_path.glob("encoder-*")
    content = bytearray((delta / DELTA_FILE).read_bytes())
    content[-1] ^= 1
    (delta / DELTA_FILE).write_bytes(content)
    with pytest.raises(AdapterError, match=r"has changed .* Train the encoder again"):
        loaded(tmp_path)
    delta.rename(tmp_path / "elsewhere")
    with pytest.raises(AdapterError, match=r"is not complete. Train the encoder again"):
        loaded(tmp_path)


def rewrite(folder: Path, tensors: bytes, **change: object) -> None:
    """Put other tensors in place, with a manifest that names them rightly."""
    digest = hashlib.sha256(tensors).hexdigest()
    (folder / f"head-{digest[:16]}.safetensors").write_bytes(tensors)
    manifest = json.loads((folder / MANIFEST).read_text()) | {
        "tensors": f"head-{digest[:16]}.safetensors",
        "sha256": digest,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest | change))


@pytest.mark.parametrize(
    ("left_out", "sentence"),
    [
        ("words.weight", r"lacks the tensor 'words.weight'; train it again"),
        ("1.starts", r"lacks the tensor 'starts'; train it again"),
        (None, r"are not safetensors; train it again"),
    ],
)
def test_foreign_tensors_are_refused(tmp_path: Path, left_out: str | None, sentence: str) -> None:
    save_ensemble(classifier(), tmp_path, created_at=NOW)
    (tensors,) = tmp_path.glob("head-*.safetensors")
    kept = {name: values for name, values in load_file(tensors).items() if name != left_out}
    save_file(kept, tmp_path / "foreign")
    rewrite(tmp_path, b"PK pickled" if left_out is None else (tmp_path / "foreign").read_bytes())
    with pytest.raises(AdapterError, match=sentence):
        loaded(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"members": []},
        {"members": [{"delta": "../../secret"}]},
        {"words_weight": -1},
        {"temperature": 0},
        {"unknown": 1},
        {"format": "two"},
    ],
)
def test_a_damaged_manifest_of_an_ensemble_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    save_ensemble(classifier(), tmp_path, created_at=NOW)
    path = tmp_path / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(AdapterError, match=r"intent head in .* (is not readable|has format two).*; train it again"):
        loaded(tmp_path)


def test_labels_that_do_not_fit_the_tensors_are_refused(tmp_path: Path) -> None:
    save_ensemble(classifier(), tmp_path, created_at=NOW)
    path = tmp_path / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"labels": ["question", "thanks", "bill"]}))
    with pytest.raises(AdapterError, match=r"does not fit together; train it again"):
        loaded(tmp_path)


def test_a_head_of_another_encoder_is_refused(tmp_path: Path) -> None:
    save(HEAD, tmp_path)
    with pytest.raises(AdapterError, match=r'was made for the encoder "minilm", not "m3e"; train it again'):
        load(tmp_path, encoder="m3e")


def test_torn_tensors_are_refused(tmp_path: Path) -> None:
    save(HEAD, tmp_path)
    (tensors,) = tmp_path.glob("head-*.safetensors")
    content = bytearray(tensors.read_bytes())
    content[-1] ^= 1
    tensors.write_bytes(content)
    with pytest.raises(AdapterError, match=r"are damaged; train it again"):
        load(tmp_path, encoder="minilm")
    tensors.unlink()
    with pytest.raises(AdapterError, match=r"lacks its tensors; train it again"):
        load(tmp_path, encoder="minilm")


@pytest.mark.parametrize("change", [{"tensors": "../../secret"}, {"temperature": 0}, {"unknown": 1}, None])
def test_a_damaged_manifest_is_refused(tmp_path: Path, change: dict[str, object] | None) -> None:
    save(HEAD, tmp_path)
    path = tmp_path / MANIFEST
    content = path.read_text(encoding="utf-8")
    path.write_text(content[: len(content) // 2] if change is None else json.dumps(json.loads(content) | change))
    with pytest.raises(AdapterError, match=r"manifest of the intent head in .* is not readable; train it again"):
        load(tmp_path, encoder="minilm")


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    save(HEAD, tmp_path)
    path = tmp_path / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"format": 3}))
    with pytest.raises(AdapterError, match=r"has format 3, not 1 or 2"):
        load(tmp_path, encoder="minilm")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AdapterError, match=r"cannot be written to .*file.*; check space and permissions"):
        save(HEAD, tmp_path / "file" / "head")


WRITER = """
import sys
from pathlib import Path
from dataclasses import replace
import numpy as np
from adapters.intent.persist import save
from tests.integration.adapters.test_intent_persist import HEAD
number = 0
while True:
    number += 1
    save(replace(HEAD, bias=np.full(2, number, dtype=np.float32)), Path(sys.argv[1]))
    print(number, flush=True)
"""


def killed_after(script: str, folder: Path, seconds: float) -> int:
    """Let a script write version after version into a folder, kill it; the number of the last one that it told of."""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    ) as writer:
        assert writer.stdout is not None
        written = int(writer.stdout.readline())
        time.sleep(seconds)
        writer.send_signal(signal.SIGKILL)
        return max([written, *(int(line) for line in writer.stdout.read().split())])


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_writer_killed_at_any_instant_leaves_a_whole_head(tmp_path: Path) -> None:
    save(HEAD, tmp_path)
    for attempt in range(4):
        written = killed_after(WRITER, tmp_path, 0.013 * attempt)
        assert loaded_head(tmp_path).bias[0] in (written, written + 1)


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """The disk takes no file above a size, in bytes."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(os.name != "posix", reason="RLIMIT_FSIZE")
@pytest.mark.parametrize("large", ["tensors", "delta"])
def test_a_part_that_cannot_be_written_leaves_the_old_ensemble(tmp_path: Path, large: str) -> None:
    save_ensemble(classifier(1), tmp_path, created_at=NOW)
    after = classifier(2, words=large == "tensors")
    if large == "delta":
        delta = EncoderDelta(base=BASE, tensors={"layer": np.ones(100_000, dtype=np.float16)})
        after = replace(after, tuned=(TunedEncoder(encoder=TUNED, delta=delta),))
    with files_up_to(64_000), pytest.raises(AdapterError, match=r"cannot be written to|Could not write"):
        save_ensemble(after, tmp_path, created_at=NOW)
    back = loaded(tmp_path)
    assert back.name == classifier(1).name
    assert back.predict(TEXTS, EMBEDDINGS) == classifier(1).predict(TEXTS, EMBEDDINGS)
    assert list(tmp_path.glob(".*.part")) == []


ENSEMBLE_WRITER = """
import sys
from pathlib import Path
from adapters.intent.persist import save_ensemble
from tests.integration.adapters.test_intent_persist import NOW, classifier
number = 0
while True:
    number += 1
    save_ensemble(classifier(number), Path(sys.argv[1]), created_at=NOW)
    print(number, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_writer_killed_at_any_instant_leaves_a_whole_ensemble(tmp_path: Path) -> None:
    for attempt in range(4):
        written = killed_after(ENSEMBLE_WRITER, tmp_path, 0.013 * attempt)
        back = loaded(tmp_path)
        number = int(back.ensemble.heads[0].bias[0])
        assert number in (written, written + 1)
        expected = classifier(number)  # every part is of the same write
        assert back.tuned[0].delta.digest == expected.tuned[0].delta.digest
        assert back.predict(TEXTS, EMBEDDINGS) == expected.predict(TEXTS, EMBEDDINGS)
    save_ensemble(classifier(), tmp_path, created_at=NOW)
    assert list(tmp_path.glob(".*.part")) == []
