"""TRL's fused language model head, computed for the answers' tokens only.

TRL scores every position on a CPU, prompts included, in tiles that are summed in float32: 24 s of one core for a step
of eight rows of 221 tokens, where the 250 tokens of the answers alone take .6 s (docs/experiments-learning.md).

Heavy: imports torch and trl. Import it where a model is trained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from trl.trainer.utils import FusedCausalLMOutput

from training.grounding import IGNORED

if TYPE_CHECKING:
    from torch import Tensor


def score_answers_only(causal: Any) -> None:  # noqa: ANN401 - transformers ships no types
    """Put our head in the place of TRL's.

    Args:
        causal: A language model that a TRL trainer has prepared, without peft around it.
    """
    prepared = causal.forward

    def forward(*args: Any, fused_lm_head: bool = False, labels: Tensor | None = None, **given: Any) -> Any:  # noqa: ANN401 - as transformers' own
        if not fused_lm_head or labels is None:
            return prepared(*args, labels=labels, **given)
        given.pop("num_items_in_batch", None)
        given["use_cache"] = False
        hidden = causal.base_model(*args, **given).last_hidden_state[:, :-1]  # (b, T - 1, dim)
        return answer_scores(hidden, causal.get_output_embeddings().weight, labels[:, 1:])

    causal.forward = forward


def answer_scores(hidden: Tensor, embeddings: Tensor, labels: Tensor) -> FusedCausalLMOutput:
    """What TRL wants to know of each token.

    Args:
        hidden: Shape (b, T, dim).
        embeddings: Of the vocabulary, shape (vocabulary, dim).
        labels: The token that comes next, or IGNORED, shape (b, T).
    """
    kept = labels != IGNORED
    logits = (hidden[kept] @ embeddings.T).float()  # (answer tokens, vocabulary)
    logs = logits.log_softmax(dim=-1)
    chosen = labels[kept]
    own = logs.gather(1, chosen[:, None])[:, 0]
    with torch.no_grad():
        spread = -(logs.exp() * logs).sum(dim=-1)
        mean, best = logits.mean(dim=-1), logits.argmax(dim=-1) == chosen

    def placed(values: Tensor) -> Tensor:
        return values.new_zeros(labels.shape).masked_scatter(kept, values)

    return FusedCausalLMOutput(
        loss=-own.sum() / kept.sum().clamp(min=1),
        log_probs=placed(own),
        entropy=placed(spread),
        mean_logits=placed(mean),
        is_top1=placed(best),
        label_mask=kept,
    )
