"""Where the curve of a training goes: TensorBoard's event files, and Weights & Biases where it is switched on."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from training.errors import TrainingError


class Tracker(Protocol):
    """Takes figures by name; never a text of anybody's."""

    def log(self, figures: Mapping[str, float], step: int) -> None:
        """Keep the figures of a step."""

    def close(self) -> None:
        """Write what is left."""


class TensorBoard:
    """Event files in a folder, for `tensorboard --logdir`."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.summary import Writer

        self._writer: Any = Writer(str(folder))

    def log(self, figures: Mapping[str, float], step: int) -> None:
        """As the Protocol says."""
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """As the Protocol says."""
        self._writer.close()


class WeightsAndBiases:
    """A run on wandb.ai or a server of one's own: figures and settings leave the machine, so it is off by default.

    Raises:
        TrainingError: The package is not installed.
    """

    def __init__(self, *, project: str, name: str, settings: Mapping[str, Any]) -> None:
        if find_spec("wandb") is None:
            raise TrainingError(
                "Weights & Biases is switched on but not installed; "
                "install it with `pip install wandb`, or switch it off."
            )
        import wandb  # type: ignore[import-not-found,unused-ignore]  # optional: not among the requirements

        self._run: Any = wandb.init(project=project, name=name, config=dict(settings))

    def log(self, figures: Mapping[str, float], step: int) -> None:
        """As the Protocol says."""
        self._run.log(dict(figures), step=step)

    def close(self) -> None:
        """As the Protocol says."""
        self._run.finish()
