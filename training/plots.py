"""Pictures of a training: confusion matrix, loss curve, reliability diagram, and what a learning run came to."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingError
from training.metrics import calibration_error
from training.report import SHARES, Part
from training.types import EpochReport, IntentReport, TrainStep

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NUMBERED_LABELS: Final = 30  # up to so many labels each cell shows its count
RELIABILITY_BINS: Final = 10
DOTS_PER_INCH: Final = 110
# Matplotlib's own font, then those that can draw Chinese labels on the usual systems.
FONTS: Final = ("DejaVu Sans", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "PingFang SC", "Microsoft YaHei")


def plot_confusion(report: IntentReport, path: Path) -> None:
    """Write the confusion matrix as a PNG: shares of each true intent by colour, counts in the cells if there is room.

    Args:
        report: What to draw; labels without rows and predictions are left out.
        path: The picture; it appears whole or not at all.

    Raises:
        TrainingError: The picture cannot be written.
    """
    from matplotlib.colors import PowerNorm

    used = np.flatnonzero(report.confusion.sum(axis=0) + report.confusion.sum(axis=1))
    confusion = report.confusion[np.ix_(used, used)]
    labels = [report.labels[index] for index in used]
    few = len(labels) <= NUMBERED_LABELS
    side = 3.5 + 0.5 * len(labels) if few else min(3.0 + 0.14 * len(labels), 30.0)  # inches
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    with _drawing(side + 1.0, side) as figure:
        axes = figure.subplots()
        image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=1))  # rare errors are to be seen
        figure.colorbar(image, ax=axes, fraction=0.046, pad=0.02, label="share of the true intent's rows")
        size = 9 if few else 7
        axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=size)
        axes.set_yticks(range(len(labels)), labels, fontsize=size)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        accuracy = report.accuracy
        axes.set_title(
            f"{report.head}, {report.rows} rows\naccuracy {accuracy.value:.3f} "
            f"({accuracy.low:.3f} to {accuracy.high:.3f}), macro F1 {report.macro_f1:.3f}",
            fontsize=10 if few else 14,
        )
        if few:
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
    numbers = [report.epoch for report in epochs]
    kept = max(report.epoch for report in epochs if report.best)
    with _drawing(7.0, 4.2) as figure:
        axes = figure.subplots()
        axes.plot(numbers, [report.train_loss for report in epochs], marker=".", label="train (with dropout)")
        axes.plot(numbers, [report.dev_loss for report in epochs], marker=".", label="dev")
        axes.axvline(kept, color="0.5", linestyle=":", label=f"kept: epoch {kept}")
        axes.set_xlabel("epoch")
        axes.set_ylabel("cross-entropy (nats)")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend()
        _save(figure, path)


def plot_reliability(confidence: NDArray[np.floating], correct: NDArray[np.bool_], path: Path, *, title: str) -> None:
    """Write a reliability diagram as a PNG: how often predictions of a confidence are right, and how many there are.

    Args:
        confidence: Shape (n,), [0, 1], n >= 1.
        correct: Shape (n,).
        path: The picture; it appears whole or not at all.
        title: What was measured; the expected calibration error is added to it.

    Raises:
        TrainingError: The picture cannot be written.
    """
    borders = np.linspace(0.0, 1.0, RELIABILITY_BINS + 1)
    places = np.minimum((confidence * RELIABILITY_BINS).astype(int), RELIABILITY_BINS - 1)
    counts = np.bincount(places, minlength=RELIABILITY_BINS)
    filled = counts > 0
    right = np.bincount(places, weights=correct, minlength=RELIABILITY_BINS)[filled] / counts[filled]
    mean = np.bincount(places, weights=confidence, minlength=RELIABILITY_BINS)[filled] / counts[filled]
    # 95 % interval of a share, Wilson 1927; a bin of few rows says little and shows it
    low, high = wilson(right, counts[filled])
    with _drawing(5.2, 5.6) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        above.plot([0, 1], [0, 1], color="0.6", linestyle="--", label="perfectly calibrated")
        above.errorbar(
            mean, right, yerr=np.maximum([right - low, high - right], 0), marker="o", capsize=3, label="measured, 95 %"
        )
        above.set_ylabel("share that is right")
        above.set_ylim(0, 1.02)
        above.grid(alpha=0.3)
        above.legend(loc="upper left")
        above.set_title(
            f"{title}\nexpected calibration error {calibration_error(confidence, correct):.3f}", fontsize=10
        )
        below.bar(borders[:-1], counts, width=1.0 / RELIABILITY_BINS, align="edge", color="0.7", edgecolor="white")
        below.set_yscale("log")
        below.set_xlabel("confidence")
        below.set_ylabel("rows")
        _save(figure, path)


def wilson(
    shares: NDArray[np.floating], counts: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Low and high ends of the 95 % interval of shares of counts, Wilson 1927; both in the shape of the shares."""
    z = 1.959964
    middle = (shares + z**2 / (2 * counts)) / (1 + z**2 / counts)
    half = z / (1 + z**2 / counts) * np.sqrt(shares * (1 - shares) / counts + z**2 / (4 * counts**2))
    return np.asarray(middle - half), np.asarray(middle + half)


def plot_learning(
    curve: Sequence[TrainStep], report_parts: Sequence[Part], path: Path, *, title: str, names: tuple[str, str]
) -> None:
    """Write the picture of a learning run as a PNG, to be read on a phone: the learning curve above the metrics' bars.

    Args:
        curve: The steps of the training; none: no curve is drawn.
        report_parts: What was measured of both versions; those that are no shares are left out.
        path: The picture; it appears whole or not at all.
        title: What was learned.
        names: Of the version before and of the candidate.

    Raises:
        TrainingError: There is nothing to draw, or the picture cannot be written.
    """
    shares = [part for part in report_parts if part.name in SHARES]
    if not (curve or shares):
        raise TrainingError("There is nothing to draw: no training steps, and nothing was measured.")
    heights = ([1.0] if curve else []) + ([0.35 + 0.22 * len(shares)] if shares else [])
    with _drawing(4.4, 0.7 + 2.1 * sum(heights), dots_per_inch=200) as figure:
        figure.suptitle(title, fontsize=11)
        panels = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        if curve:
            _draw_curve(panels[0], curve)
        if shares:
            _draw_bars(panels[-1], shares, names)
        _save(figure, path)


def _draw_curve(axes: Axes, curve: Sequence[TrainStep]) -> None:
    axes.plot([one.step for one in curve], [one.loss for one in curve], linewidth=1.5, label="train")
    dev = [(one.step, one.dev_loss) for one in curve if one.dev_loss is not None]
    if dev:
        axes.plot(*zip(*dev, strict=True), marker="o", markersize=4, linewidth=1.5, label="dev")
    axes.set_xlabel("step", fontsize=9)
    axes.set_ylabel("loss", fontsize=9)
    axes.tick_params(labelsize=9)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9, frameon=False)


def _draw_bars(axes: Axes, shares: Sequence[Part], names: tuple[str, str]) -> None:
    places = np.arange(len(shares))
    for offset, values, name, colour in (
        (-0.19, [part.before for part in shares], names[0], "0.65"),
        (0.19, [part.after for part in shares], names[1], "tab:blue"),
    ):
        bars = axes.barh(places + offset, values, height=0.34, label=name, color=colour)
        axes.bar_label(bars, fmt="%.2f", fontsize=8, padding=2)
    axes.set_yticks(places, [f"{part.name}\n(n = {part.questions})" for part in shares], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15)
    axes.set_xticks([0, 0.5, 1])
    axes.tick_params(axis="x", labelsize=9)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(fontsize=9, frameon=False, loc="upper center", bbox_to_anchor=(0.4, -0.07), ncols=2)


@contextmanager
def _drawing(width: float, height: float, *, dots_per_inch: int = DOTS_PER_INCH) -> Iterator[Figure]:
    """A figure that belongs to no window system, in inches, with a font for Chinese where one is installed."""
    from matplotlib import font_manager, rc_context
    from matplotlib.figure import Figure

    installed = {font.name for font in font_manager.fontManager.ttflist}
    with rc_context({"font.family": [name for name in FONTS if name in installed]}), warnings.catch_warnings():
        # A label that no installed font can draw shows as boxes; that is no reason to fail.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        yield Figure(figsize=(width, height), dpi=dots_per_inch, layout="constrained")


def _number_cells(axes: Axes, confusion: np.ndarray, shares: np.ndarray) -> None:
    for (row, column), count in np.ndenumerate(confusion):
        if count:
            colour = "white" if shares[row, column] > 0.25 else "black"  # noqa: PLR2004 - half way through the colours
            axes.text(column, row, str(count), ha="center", va="center", fontsize=8, color=colour)


def _save(figure: Figure, path: Path) -> None:
    picture = BytesIO()
    figure.savefig(picture, format="png")
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(picture.getvalue())
        temporary.replace(path)
    except OSError as error:
        raise TrainingError(f"The picture {path} cannot be written ({error.strerror}); name another place.") from error
