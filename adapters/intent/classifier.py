"""An ensemble as it serves: words and tuned encoders beside the head on the encoder that the search uses too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from adapters.encoder.adapter import EncoderDelta
from adapters.errors import AdapterError
from adapters.intent.ensemble import IntentEnsemble
from adapters.intent.model import IntentHead
from adapters.types import Encoder, Intent, Matrix

CLASSIFIER_FOLDER: Final = "classifier"  # within an adapter version's folder, whose own manifest.json is its seal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TunedEncoder:
    """An encoder that was tuned for the intents; its vectors are no use for searching."""

    encoder: Encoder  # the base with the delta
    delta: EncoderDelta


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EnsembleClassifier:
    """An ensemble with the encoders that it needs beside the search's; an `IntentClassifier`.

    Raises:
        AdapterError: The tuned encoders are not those of the heads after the first.
    """

    name: str  # version, such as "intent-20261124-1a2b3c+words"
    ensemble: IntentEnsemble  # its first head reads the embeddings of the search's encoder
    tuned: tuple[TunedEncoder, ...]  # one for each head after the first, in their order

    def __post_init__(self) -> None:
        expected = [head.encoder for head in self.ensemble.heads[1:]]
        found = [one.encoder.name for one in self.tuned]
        if found != expected:
            raise AdapterError(
                f'The heads of "{self.name}" read the tuned encoders {", ".join(expected) or "none"}, '
                f"not {', '.join(found) or 'none'}; train it again."
            )

    @property
    def labels(self) -> tuple[str, ...]:
        """What it tells apart."""
        return self.ensemble.labels

    def predict(self, texts: Sequence[str], embeddings: Matrix) -> tuple[Intent, ...]:
        """Classify texts; thread-safe; blocks while tuned encoders encode the texts.

        Args:
            texts: What people wrote.
            embeddings: Of the texts, by the search's encoder, shape (len(texts), dim), float32.

        Returns:
            One intent a text; its confidence is the calibrated probability of its label.

        Raises:
            AdapterError: The embeddings are of another width.
        """
        return self.ensemble.predict(texts, [embeddings, *(one.encoder.encode(texts) for one in self.tuned)])


TrainedClassifier: TypeAlias = IntentHead | EnsembleClassifier
