"""Pictures of a training: the confusion matrix and the loss curve."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from training.errors import TrainingError
from training.types import EpochReport, IntentReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NUMBERED_LABELS: Final = 30  # up to so many labels each cell shows its count
DOTS_PER_INCH: Final = 110
# The first of these that is installed draws Chinese labels; matplotlib's own font has none.
FONTS: Final = ("DejaVu Sans", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "PingFang SC", "Microsoft YaHei")


def plot_confusion(report: IntentReport, path: Path) -> None:
    """Write the confusion matrix as a PNG: shares of each true label by colour, counts in the cells if there is room.

    Args:
        report: What to draw; labels without rows and predictions are left out.
        path: The picture; it appears whole or not at all.

    Raises:
        TrainingError: The picture cannot be written.
    """
    used = np.flatnonzero(report.confusion.sum(axis=0) + report.confusion.sum(axis=1))
    confusion = report.confusion[np.ix_(used, used)]
    labels = [report.labels[index] for index in used]
    side = (
        min(max(5.0, 0.5 * len(labels), 2 + 0.14 * len(labels)), 26.0)
        if len(labels) > NUMBERED_LABELS
        else 0.55 * len(labels) + 3
    )
    figure = _figure(side + 1.2, side)
    axes = figure.subplots()
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03, label="share of the true intent's rows")
    size = 9.0 if len(labels) <= NUMBERED_LABELS else max(4.5, 11 - len(labels) / 22)
    axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=size)
    axes.set_yticks(range(len(labels)), labels, fontsize=size)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    accuracy = report.accuracy
    axes.set_title(
        f"{report.head}: accuracy {accuracy.value:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f}), "
        f"macro F1 {report.macro_f1:.3f}, {report.rows} rows",
        fontsize=10,
        wrap=True,
    )
    if len(labels) <= NUMBERED_LABELS:
        _number_cells(axes, confusion, shares)
    _save(figure, path)


def plot_loss(epochs: Sequence[EpochReport], path: Path) -> None:
    """Write the loss per epoch as a PNG, the kept epoch marked.

    Args:
        epochs: At least one.
        path: The picture; it appears whole or not at all.

    Raises:
        TrainingError: There are no epochs, or the picture cannot be written.
    """
    if not epochs:
        raise TrainingError("There are no epochs to draw; a head made from few examples has none.")
    figure = _figure(7.0, 4.2)
    axes = figure.subplots()
    numbers = [report.epoch for report in epochs]
    axes.plot(numbers, [report.train_loss for report in epochs], label="train", color="tab:blue")
    axes.plot(numbers, [report.dev_loss for report in epochs], label="dev", color="tab:orange")
    kept = max((report for report in epochs if report.best), key=lambda report: report.epoch, default=epochs[0])
    axes.axvline(kept.epoch, color="0.5", linestyle=":", label=f"kept: epoch {kept.epoch}")
    axes.set_xlabel("epoch")
    axes.set_ylabel("cross-entropy (nats)")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    _save(figure, path)


def _figure(width: float, height: float) -> Figure:
    """A figure that belongs to no window system; inches."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"font.family": list(FONTS)}):
        return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")


def _number_cells(axes: Axes, confusion: np.ndarray, shares: np.ndarray) -> None:
    for (row, column), count in np.ndenumerate(confusion):
        if count:
            colour = "white" if shares[row, column] > 0.5 else "black"  # noqa: PLR2004 - half way through the colours
            axes.text(column, row, str(count), ha="center", va="center", fontsize=8, color=colour)


def _save(figure: Figure, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(temporary, format="png")
        temporary.replace(path)
    except OSError as error:
        raise TrainingError(f"The picture {path} cannot be written ({error.strerror}); name another place.") from error
    finally:
        temporary.unlink(missing_ok=True)
