"""How likely it is that the passages found hold the answer: a number the bot refuses by (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from math import exp, isfinite, log
from typing import Final

from adapters.retrieval.config import Calibration
from bot.polarity import is_cue
from bot.sentences import split_sentences
from bot.words import Word, asked_words, content_keys, has_han
from knowledge.types import Passage

# From here on the bot answers: a tenth of the answerable dev questions is refused, each set weighing the same
# (benchmarks/abstention.py). Figures by set: docs/benchmarks.md.
DEFAULT_ANSWERABILITY = 0.35
UNCALIBRATED: Final = Calibration()
PASSAGES_READ = 5
_NAME_WEIGHT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What retrieval and the question's words say about each other."""

    lexical: float  # highest BM25 for each content word of the question, >= 0
    closeness: float  # share of the question's content words in the best single sentence, titles included, [0, 1]
    known: float  # share of them anywhere in the passages, [0, 1]
    nearest: float  # highest cosine of a single line of the passages, [-1, 1]
    strange: float  # 1 if the question has a name that no passage has, else 0


# Logistic regression on questions to a knowledge base that has the answer, to the same without the document that has
# it, and foreign ones, in benchmarks/thresholds.py; the bias puts 92 % of the answerable dev questions above .5.
_SLOPES = Features(lexical=1.13, closeness=2.44, known=1.4, nearest=8.0, strange=-0.28)
_BIAS = -7.82
# all-MiniLM places any two Chinese texts close together: the words decide more.
_HAN_SLOPES = Features(lexical=1.23, closeness=5.87, known=4.53, nearest=1.53, strange=-1.68)
_HAN_BIAS = -5.98


def answerability(question: str, passages: Sequence[Passage], nearest: float) -> float:
    """Tell how likely it is that the passages answer a question.

    Args:
        question: As it was searched for.
        passages: What was found, best first; the first PASSAGES_READ count.
        nearest: Highest cosine of the question and a line of theirs (bot.extract), [-1, 1].

    Returns:
        A score in [0, 1]; 0 without passages.
    """
    if not passages:
        return 0.0
    slopes, bias = (_HAN_SLOPES, _HAN_BIAS) if has_han(question) else (_SLOPES, _BIAS)
    measured = features(question, passages, nearest)
    logit = bias + sum(slope * value for slope, value in zip(astuple(slopes), astuple(measured), strict=True))
    return 1 / (1 + exp(-max(-30.0, min(30.0, logit))))


# Log odds of retrieval, of the generator's answerability head, and how much likelier the passages make the question, to
# one score (benchmarks/abstention.py --fit: .42, .08 and .56, so 1, .2 and 1.3; near that it is flat). Where a tenth
# of the answerable is refused, the unanswerable refused go from .68 to .75 (examples), .83 to .86 (squad2_en) and .23
# to .27 (FeedbackQA). Both are counted from their medians on answerable questions, so that the scale stays retrieval's.
_RETRIEVAL_WEIGHT = 1.0
_HEAD_WEIGHT = 0.2
_USUAL_HEAD = 0.2
_GAIN_WEIGHT = 1.0
_USUAL_GAIN = 1.3


def terms(scores: Mapping[str, float]) -> tuple[float, float, float]:
    """What retrieval, head and likelihood give to the log odds that the documents answer.

    Args:
        scores: As in a trace; 0 for what is missing there.
    """
    retrieved = min(max(scores.get("retrieval", 0.5), 1e-6), 1 - 1e-6)
    return (
        _RETRIEVAL_WEIGHT * log(retrieved / (1 - retrieved)),
        _HEAD_WEIGHT * (scores["head"] - _USUAL_HEAD) if "head" in scores else 0.0,
        _GAIN_WEIGHT * (scores["likelihood"] - _USUAL_GAIN) if "likelihood" in scores else 0.0,
    )


def judged_answerability(
    retrieved: float, judged: float | None, gain: float | None = None, calibration: Calibration = UNCALIBRATED
) -> float:
    """Join what retrieval says with the generator's own verdict and with how likely it finds the question.

    Args:
        retrieved: As answerability() gave it, [0, 1].
        judged: The head's log odds that the passages it read hold the answer; None where it was not asked.
        gain: By how much they make the question likelier, nats a token; None where it was not measured.
        calibration: What the team's ratings have taught.

    Returns:
        A score in [0, 1], on the scale of answerability().
    """
    measured = {"retrieval": retrieved, "head": judged, "likelihood": gain}
    scores = {name: score for name, score in measured.items() if score is not None}
    if not all(isfinite(score) for score in scores.values()):
        return 0.0
    by_retrieval, by_head, by_likelihood = terms(scores)
    logit = calibration.shift + calibration.retrieval * by_retrieval
    logit += calibration.head * by_head + calibration.likelihood * by_likelihood
    return 1 / (1 + exp(-max(-30.0, min(30.0, logit))))


def features(question: str, passages: Sequence[Passage], nearest: float) -> Features:
    """Measure a question against the passages found for it, best first; arguments as for answerability."""
    read = passages[:PASSAGES_READ]
    weights = _weights(question)
    total = sum(weights.values()) or 1.0

    def share(keys: frozenset[str]) -> float:
        return sum(weight for key, weight in weights.items() if key in keys) / total

    titles = [content_keys(" ".join((*p.stored.chunk.title_path, p.stored.chunk.question))) for p in read]
    bodies = [[content_keys(sentence) for sentence in split_sentences(p.stored.chunk.text)] for p in read]
    seen = frozenset[str]().union(*titles, *(line for body in bodies for line in body))
    return Features(
        lexical=max((p.lexical for p in read), default=0.0) / max(1, len(weights)),
        closeness=max(
            (share(title | line) for title, body in zip(titles, bodies, strict=True) for line in body), default=0.0
        ),
        known=share(seen),
        nearest=nearest,
        strange=float(any(_is_name(word) and word.key not in seen for word in asked_words(question))),
    )


def _weights(question: str) -> dict[str, float]:
    """The question's content words; names and figures count double."""
    weights: dict[str, float] = {}
    for word in asked_words(question):
        if not is_cue(word):
            weights[word.key] = _NAME_WEIGHT if _is_name(word) or word.surface[0].isdigit() else 1.0
    return weights


def _is_name(word: Word) -> bool:
    return word.start > 0 and word.surface[0].isupper()
