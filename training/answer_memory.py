"""Which lines of the passages people liked as answers, and to which questions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adapters.examples import AnswerExample
from adapters.retrieval.answers import AnswerMemory, Span, span_of
from adapters.types import Encoder
from knowledge.advice import text_digest


def remembered_answers(answers: Sequence[AnswerExample], encoder: Encoder) -> AnswerMemory | None:
    """Remember answers that stand in a passage word for word.

    An approved correction is a curated answer anyhow, and what a generator put in words of its own is written anew.

    Args:
        answers: Rated; none that a version is measured by.
        encoder: Makes the questions' vectors; the knowledge base's own.

    Returns:
        None where nothing that was liked can be remembered.
    """
    found = [(one, span) for one in answers if (span := _span(one)) is not None]
    if not any(one.liked for one, _ in found):
        return None
    return AnswerMemory(
        questions=encoder.encode([one.question for one, _ in found]),
        spans=tuple(span for _, span in found),
        liked=np.array([one.liked for one, _ in found], dtype=np.bool_),
    )


def _span(example: AnswerExample) -> Span | None:
    spans = (span_of(example.answer, one.text, digest=text_digest(one.text)) for one in example.passages)
    return next((span for span in spans if span is not None), None)
