"""Lines of passages that people liked as answers, given again to questions that ask the same.

No word is kept: a question is its vector, an answer is where it stands in its passage. Places are counted in characters
that are no white space, so that a line wrapped elsewhere is the same line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adapters.types import Matrix

FILE: Final = "answers.safetensors"
_DIGEST: Final = 32  # bytes of a SHA-256


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Lines of a passage."""

    digest: str  # SHA-256 of the passage's text, hex
    start: int  # characters that are no white space before it, >= 0
    end: int  # > start


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnswerMemory:
    """What is remembered, row by row."""

    questions: Matrix  # unit vectors, shape (n, dim)
    spans: tuple[Span, ...]
    liked: NDArray[np.bool_]  # (n,); what was disliked is not given again to the same question

    def recall(self, vector: NDArray[np.float32], nearness: float) -> Iterator[tuple[Span, float]]:
        """Find what answers a question.

        Args:
            vector: Of the question, unit length, shape (dim,).
            nearness: Cosine from which two questions ask the same.

        Yields:
            Each span once with its question's cosine, nearest first, but for those that a nearer question got in vain.
        """
        cosines = self.questions @ vector
        met: set[Span] = set()
        for row in np.argsort(-cosines, kind="stable").tolist():
            if cosines[row] < nearness:
                return
            if (span := self.spans[row]) not in met and self.liked[row]:
                yield span, float(cosines[row])
            met.add(span)


def span_of(part: str, text: str, *, digest: str) -> Span | None:
    """Where a part stands in a passage's text; None where it does not, word for word."""
    whole, wanted = "".join(text.split()), "".join(part.split())
    start = whole.find(wanted) if wanted else -1
    return None if start < 0 else Span(digest=digest, start=start, end=start + len(wanted))


def part_of(text: str, span: Span) -> str:
    """The part of a passage's text that a span names; "" where the text is too short."""
    places = [place for place, letter in enumerate(text) if not letter.isspace()]
    return text[places[span.start] : places[span.end - 1] + 1] if span.end <= len(places) else ""


def write_answers(memory: AnswerMemory, folder: Path) -> None:
    """Write a memory's file into a folder that is sealed afterwards."""
    from safetensors.numpy import save_file

    digests = np.frombuffer(b"".join(bytes.fromhex(span.digest) for span in memory.spans), dtype=np.uint8)
    tensors: dict[str, NDArray[np.generic]] = {
        "questions": memory.questions.astype(np.float16),
        "digests": digests.reshape(-1, _DIGEST).copy(),
        "places": np.array([(span.start, span.end) for span in memory.spans], dtype=np.int64).reshape(-1, 2),
        "liked": memory.liked.astype(np.uint8),
    }
    save_file(tensors, folder / FILE)


def read_answers(folder: Path) -> AnswerMemory | None:
    """Read what `write_answers` wrote; None where there is no such file.

    Raises:
        ValueError: The tensors do not fit together.
        KeyError: One is missing.
        SafetensorError: The file cannot be read.
    """
    from safetensors.numpy import load_file

    if not (folder / FILE).exists():
        return None
    tensors = load_file(folder / FILE)
    questions, liked = tensors["questions"].astype(np.float32), tensors["liked"].astype(np.bool_)
    spans = _spans(tensors["digests"], tensors["places"].tolist())
    if not len(questions) == len(liked) == len(spans):
        raise ValueError(len(spans))
    return AnswerMemory(questions=questions, spans=spans, liked=liked)


def _spans(digests: NDArray[np.uint8], places: Sequence[Sequence[int]]) -> tuple[Span, ...]:
    return tuple(
        Span(digest=digest.tobytes().hex(), start=start, end=end)
        for digest, (start, end) in zip(digests, places, strict=True)
    )
