"""The curves of docs/benchmarks.md."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.grounded import Asked
from benchmarks.table import PICTURES
from training.metrics import risk_coverage as curve

BINS = 10


def risk_coverage(found: Sequence[Asked], folder: Path = PICTURES) -> None:
    """By set: of what is answered at each coverage, the share that has no answer in the documents."""
    figure, axes = _canvas("share of all questions that is answered", "share of these that should have been refused")
    groups: defaultdict[str, list[Asked]] = defaultdict(list)
    for one in found:
        if one.kind in ("answerable", "removed", "refuse"):
            groups[one.base.split()[0]].append(one)
    for name, members in groups.items():
        if len(members) >= 20:
            scores = np.array([one.score for one in members])
            coverage, risk = curve(scores, np.array([one.kind != "answerable" for one in members]))
            axes.plot(coverage, risk, label=f"{name} (n = {len(members)})")
    axes.set_ylim(0, 0.6)
    _save(figure, axes, folder / "risk-coverage.png")


def reliability(found: Sequence[Asked], folder: Path = PICTURES) -> None:
    """The score against the share of questions that could be answered, in ten bins."""
    figure, axes = _canvas("answerability score", "share that the documents answer")
    chosen = [one for one in found if one.kind in ("answerable", "removed", "refuse")]
    scores = np.array([one.score for one in chosen])
    truth = np.array([one.kind == "answerable" for one in chosen])
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    points = [
        (scores[bins == b].mean(), truth[bins == b].mean(), (bins == b).sum()) for b in range(BINS) if (bins == b).any()
    ]
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle="--", label="perfect")
    axes.plot([p[0] for p in points], [p[1] for p in points], marker="o", label=f"n = {len(chosen)}")
    for x, y, count in points:
        axes.annotate(str(count), (x, y), textcoords="offset points", xytext=(6, -10), fontsize=8)
    _save(figure, axes, folder / "reliability.png")


def _canvas(x: str, y: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), dpi=110, layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.3)
    return figure, axes


def _save(figure: Any, axes: Any, path: Path) -> None:  # noqa: ANN401 - matplotlib ships no types
    axes.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
