"""Pictures are whole PNG files of a size that can be read."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from training.errors import TrainingError
from training.metrics import class_reports
from training.plots import plot_confusion, plot_learning, plot_loss, plot_reliability, wilson
from training.report import Part
from training.types import EpochReport, IntentReport, Interval, TrainStep


def confusion_report(count: int) -> IntentReport:
    labels = tuple(f"intent_{number}" if number else "问候" for number in range(count))
    confusion = np.eye(count, dtype=np.int64) * 9 + np.roll(np.eye(count, dtype=np.int64), 1, axis=1)
    return IntentReport(
        head="intent-test",
        rows=int(confusion.sum()),
        accuracy=Interval(value=0.9, low=0.88, high=0.92),
        macro_f1=0.9,
        calibration_error=0.01,
        out_of_scope_auroc=None,
        classes=class_reports(confusion, labels),
        labels=labels,
        confusion=confusion,
    )


def size(path: Path) -> tuple[int, int]:
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", header[16:24])
    return width, height


@pytest.mark.parametrize(("count", "least"), [(2, 400), (7, 700), (150, 2_400)])
def test_the_confusion_matrix_grows_with_the_labels(tmp_path: Path, count: int, least: int) -> None:
    path = tmp_path / "new" / "confusion.png"
    plot_confusion(confusion_report(count), path)
    assert least < min(size(path)) < 4_000
    assert [entry.name for entry in path.parent.iterdir()] == ["confusion.png"]


def test_the_loss_curve_is_drawn(tmp_path: Path) -> None:
    epochs = [
        EpochReport(epoch=n, train_loss=1 / n, dev_loss=1 / n + 0.1, dev_accuracy=0.9, best=n < 4, seconds=n)
        for n in range(1, 6)
    ]
    plot_loss(epochs, tmp_path / "loss.png")
    assert size(tmp_path / "loss.png") == (770, 462)


def test_no_epochs_give_no_curve(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no epochs to draw"):
        plot_loss([], tmp_path / "loss.png")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match=r"loss.png cannot be written"):
        plot_loss(
            [EpochReport(epoch=1, train_loss=1, dev_loss=1, dev_accuracy=1, best=True, seconds=0)],
            tmp_path / "file" / "loss.png",
        )


def test_a_reliability_diagram_is_drawn_also_where_bins_are_empty(tmp_path: Path) -> None:
    path = tmp_path / "reliability.png"
    plot_reliability(np.array([0.55, 0.97, 1.0]), np.array([False, True, True]), path, title="three rows")
    width, height = size(path)
    assert width > 400
    assert height > 400
    assert path.stat().st_size < 100_000


def test_the_interval_of_a_share_is_that_of_wilson() -> None:
    low, high = wilson(np.array([0.5, 1.0]), np.array([10, 10]))
    np.testing.assert_allclose(low, [0.2366, 0.7225], atol=1e-4)
    np.testing.assert_allclose(high, [0.7634, 1.0], atol=1e-4)


CURVE = [TrainStep(step=n, steps=40, loss=2 / n, dev_loss=1 + 1 / n if n % 10 == 0 else None) for n in range(1, 41)]
PARTS = [
    Part(name=name, before=0.5, after=0.75, questions=44)
    for name in ("utility", "accepted", "right verdict", "margin", "characters")
]


@pytest.mark.parametrize(
    ("curve", "parts", "taller_than_wide"),
    [(CURVE, PARTS, True), (CURVE, [], False), ([], PARTS, False)],
    ids=["both", "the curve alone", "the bars alone"],
)
def test_a_learning_run_is_drawn_for_a_phone(
    tmp_path: Path, curve: list[TrainStep], parts: list[Part], *, taller_than_wide: bool
) -> None:
    path = tmp_path / "run.png"
    plot_learning(curve, parts, path, title="Generator: 84 examples", names=("generator-1", "generator-2"))
    width, height = size(path)
    assert width == 880  # a phone's screen is about 400 points wide, of two or three dots each
    assert (height > width) is taller_than_wide


def test_a_learning_run_of_which_nothing_is_known_has_no_picture(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nothing to draw"):
        plot_learning([], [PARTS[-1]], tmp_path / "run.png", title="", names=("a", "b"))
