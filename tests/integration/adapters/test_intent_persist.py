"""An intent head on disk: whole, the old one, or a clear sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adapters.errors import AdapterError
from adapters.intent.model import IntentHead, ScopeModel
from adapters.intent.persist import MANIFEST, load, save

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


@pytest.mark.parametrize("quantiles", [None, np.array([0.1, 0.5, 0.9])])
def test_a_head_comes_back_as_it_was(tmp_path: Path, quantiles: np.ndarray | None) -> None:
    head = replace(HEAD, scope=replace(HEAD.scope, quantiles=quantiles))
    save(head, tmp_path / "head")
    back = load(tmp_path / "head", encoder="minilm")
    assert back is not None
    assert (back.name, back.labels) == (head.name, head.labels)
    assert back.predict(EMBEDDINGS) == head.predict(EMBEDDINGS)


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
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"format": 2}))
    with pytest.raises(AdapterError, match=r"has format 2, not 1"):
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


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_writer_killed_at_any_instant_leaves_a_whole_head(tmp_path: Path) -> None:
    save(HEAD, tmp_path)
    for attempt in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
        ) as writer:
            assert writer.stdout is not None
            written = int(writer.stdout.readline())
            time.sleep(0.013 * attempt)
            writer.send_signal(signal.SIGKILL)
            written = max([written, *(int(line) for line in writer.stdout.read().split())])
        back = load(tmp_path, encoder="minilm")
        assert back is not None
        assert back.bias[0] in (written, written + 1)
