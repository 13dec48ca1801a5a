"""An encoder's insides: model, tokenizer and pooling together, as encoding and training both need them."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from adapters.errors import AdapterError
from adapters.pretrained import load_encoder_model, load_tokenizer

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Pooling: TypeAlias = Literal["mean", "cls"]


class EncoderBody:
    """Texts to tokens to unit vectors; gradients flow unless they are turned off around it. Not thread-safe."""

    def __init__(self, folder: Path, *, dtype: torch.dtype, max_tokens: int = 0) -> None:
        """Load a model onto the CPU.

        Args:
            folder: As `resolve` gave it.
            dtype: Precision of the weights.
            max_tokens: Longer texts are cut there; 0: what the model was made for.

        Raises:
            AdapterError: The model cannot be loaded, or takes fewer tokens.
        """
        self.model = load_encoder_model(folder, dtype=dtype)
        self.tokenizer = load_tokenizer(folder)
        self.pooling = read_pooling(folder)
        self.max_tokens = _read_max_tokens(folder, self.model.config, wish=max_tokens)
        self._is_bert = self.model.config.model_type == "bert"
        self.lowercase = _knows_lowercase_only(self.tokenizer)

    @property
    def dimension(self) -> int:
        """Width of the vectors."""
        return int(self.model.config.hidden_size)

    def tokens(self, texts: Sequence[str], *, special: bool = True) -> list[list[int]]:
        """Token ids of each text; cut at `max_tokens`, but whole without the special ones."""
        prepared = [text.lower() if self.lowercase else text for text in texts]
        if not prepared:
            return []
        cut = {"truncation": True, "max_length": self.max_tokens} if special else {"truncation": False}
        ids: list[list[int]] = self.tokenizer(prepared, add_special_tokens=special, verbose=False, **cut)["input_ids"]
        return ids

    def unknown(self, text: str) -> float:
        """Share of a text's tokens that the vocabulary does not have, [0, 1]; only letters and their marks count."""
        spoken = "".join(sign if unicodedata.category(sign)[0] in "LM" else " " for sign in text)
        [ids] = self.tokens([spoken], special=False)
        return ids.count(self.tokenizer.unk_token_id) / max(1, len(ids))

    def vectors(self, ids: Sequence[Sequence[int]], device: str = "cpu") -> Tensor:
        """Token ids of some texts, each with one token at least, to unit vectors, shape (texts, dim), float32."""
        import torch

        padded, mask = self._padded(ids)
        padded, mask = padded.to(device), mask.to(device)
        if self._is_bert:  # past transformers' own checks and hooks: a fifth of the time of a short text
            hidden = self._through(self.model.embeddings(input_ids=padded), mask, slice(None))
        else:
            hidden = self.model(input_ids=padded, attention_mask=mask).last_hidden_state  # (texts, tokens, dim)
        hidden = hidden.float()
        return torch.nn.functional.normalize(self.pool(hidden, mask), dim=-1)

    def states(self, ids: Sequence[Sequence[int]], *, layers: int) -> list[Tensor]:
        """Token vectors as they leave the lowest layers of a BERT, one text at a time (tokens, dim).

        What stays frozen in training need be computed once only; `vectors_above` goes on from there.
        """
        padded, mask = self._padded(ids)
        hidden = self._through(self.model.embeddings(input_ids=padded), mask, slice(0, layers))
        return [row[: len(text)].clone() for row, text in zip(hidden, ids, strict=True)]

    def vectors_above(self, states: Sequence[Tensor], *, layers: int) -> Tensor:
        """The states of some texts to unit vectors, shape (texts, dim), float32: `states` and this make `vectors`."""
        import torch

        lengths = torch.tensor([len(state) for state in states])  # (texts,)
        mask = torch.arange(int(lengths.max())) < lengths[:, None]  # (texts, tokens)
        hidden = torch.nn.utils.rnn.pad_sequence(list(states), batch_first=True)  # (texts, tokens, dim)
        hidden = self._through(hidden, mask.long(), slice(layers, None)).float()
        return torch.nn.functional.normalize(self.pool(hidden, mask), dim=-1)

    def _through(self, hidden: Tensor, mask: Tensor, layers: slice) -> Tensor:
        """Token vectors through some of the layers."""
        seen = None if bool(mask.all()) else mask[:, None, None, :].bool()  # (texts, 1, 1, tokens)
        for layer in self.model.encoder.layer[layers]:
            hidden = layer(hidden, seen)
        return hidden

    def _padded(self, ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Token ids and mask, both (texts, tokens); padding counts nothing."""
        import torch

        lengths = torch.tensor([len(row) for row in ids])  # (texts,)
        width = int(lengths.max())
        pad = self.tokenizer.pad_token_id
        padded = torch.tensor([[*row, *[pad] * (width - len(row))] for row in ids])  # (texts, tokens)
        return padded, (torch.arange(width) < lengths[:, None]).long()

    def pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Token vectors (texts, tokens, dim) to text vectors (texts, dim)."""
        if self.pooling == "cls":
            return hidden[:, 0]
        weights = mask.unsqueeze(-1).to(hidden.dtype)  # (texts, tokens, 1)
        return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def _knows_lowercase_only(tokenizer: Any) -> bool:  # noqa: ANN401 - transformers ships no types
    """Whether a vocabulary has no capitals and its tokenizer does not help itself.

    m3e-small comes so: "TiDB" and "MySQL" are both unknown to it, and questions about them have equal vectors.
    """
    upper, lower = (tokenizer(letter, add_special_tokens=False)["input_ids"] for letter in ("A", "a"))
    unknown = [tokenizer.unk_token_id]
    return bool(upper == unknown and lower != unknown)


def read_pooling(folder: Path) -> Pooling:
    """How the model was trained to pool; mean where it does not say."""
    config = _read_json(folder / "1_Pooling" / "config.json")
    # Newer files name the mode, older ones have one flag for each.
    modes = {name.removeprefix("pooling_mode_") for name, value in config.items() if value is True}
    modes = {config["pooling_mode"]} if isinstance(config.get("pooling_mode"), str) else modes
    modes &= {"mean_tokens", "mean", "cls_token", "cls", "max_tokens", "max", "mean_sqrt_len_tokens", "lasttoken"}
    if modes <= {"mean_tokens", "mean"}:
        return "mean"
    if modes <= {"cls_token", "cls"}:
        return "cls"
    raise AdapterError(f"{folder} pools by {', '.join(sorted(modes))}; only mean and cls pooling are supported.")


def _read_max_tokens(folder: Path, config: Any, *, wish: int) -> int:  # noqa: ANN401 - transformers ships no types
    """The longest text in tokens, special ones included."""
    limit = int(getattr(config, "max_position_embeddings", 512))
    trained = _read_json(folder / "sentence_bert_config.json").get("max_seq_length")
    limit = min(limit, trained) if isinstance(trained, int) else limit
    if wish > limit:
        raise AdapterError(f"max_tokens is {wish}, but the encoder in {folder} takes {limit} at most.")
    return wish or limit


def _read_json(path: Path) -> dict[str, Any]:
    """An optional configuration file; empty if it is not there."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise AdapterError(f"{path} is not JSON; fetch the model again.") from error
    return content if isinstance(content, dict) else {}
