"""How well the built-in intents are told: the built-in head and the matcher on small talk and on real questions.

    python -m benchmarks.intent_builtin [--encoder SOURCE] [--only builtin matcher] [--picture FILE.png]

The data folder is BENCH_DATA, or ../shared/data beside the project. The built-in intents are measured on
messages that are not among their examples (tests/data/builtin_intents_heldout.csv), and on real questions, of which
none should be diverted.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import platformdirs
from numpy.typing import NDArray

from adapters.bases import DEFAULT_ENCODER, resolve
from adapters.encoder.model import SentenceEncoder
from adapters.intent.config import OUT_OF_SCOPE, QUESTION, load_definitions
from adapters.intent.match import ExampleMatcher, has_cjk
from adapters.intent.model import IntentHead
from adapters.types import Intent, LabelledText, Matrix
from training.dataset import load_rows
from training.evaluate_intent import evaluate_intent
from training.few_shot import few_shot_training
from training.plots import plot_confusion
from training.train_intent import encode_rows
from training.types import IntentReport, Split

ROOT: Final = Path(__file__).resolve().parents[1]
DATA: Final = Path(os.environ.get("BENCH_DATA", ROOT.parent / "shared" / "data"))
HELD_OUT: Final = ROOT / "tests" / "data" / "builtin_intents_heldout.csv"
PARTS: Final = ("builtin", "matcher")
THRESHOLDS: Final = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
# Files of real questions with the column of the text. bitext_support's calls for a person and complaints are left out.
QUESTIONS: Final = {
    "feedbackqa": ("feedbackqa/queries.jsonl.gz", "text"),
    "squad2": ("squad2_en/qa.jsonl.gz", "question"),
    "bitext": ("bitext_support/intents.jsonl.gz", "text"),
    "banking77": ("banking77/intents.jsonl.gz", "text"),
    "syncthing": ("syncthing_docs_en/faq.jsonl.gz", "question"),
    "letsencrypt": ("letsencrypt_docs_en_zh/faq.jsonl.gz", "question"),
    "policy zh": ("ncp_policy_faq_zh/faq.jsonl.gz", "question"),
    "bank zh": ("esun_bank_faq_zh/faq.jsonl.gz", "question"),
}
# Domains of clinc150 that a support bot may be asked about; nothing was chosen on them.
UNSEEN_DOMAINS: Final = ("banking", "credit_cards", "work")
NOT_QUESTIONS: Final = frozenset({"contact_human_agent", "contact_customer_service", "complaint"})
# Intents of clinc150 that are small talk or chit-chat for a support bot.
SMALL_TALK: Final = {
    "greeting": "greeting",
    "goodbye": "goodbye",
    "thank_you": "thanks",
    "tell_joke": OUT_OF_SCOPE,
    "weather": OUT_OF_SCOPE,
    "roll_dice": OUT_OF_SCOPE,
    "flip_coin": OUT_OF_SCOPE,
    "fun_fact": OUT_OF_SCOPE,
    "play_music": OUT_OF_SCOPE,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Texts with their embeddings."""

    rows: tuple[LabelledText, ...]
    embeddings: Matrix  # shape (n, dim)

    def take(self, kept: Sequence[bool] | NDArray[np.bool_]) -> Sample:
        """The rows that are kept."""
        chosen = np.asarray(kept, dtype=bool)
        rows = tuple(row for row, keep in zip(self.rows, chosen, strict=True) if keep)
        return Sample(rows=rows, embeddings=self.embeddings[chosen])


def read(name: str, text: str, label: str = "") -> tuple[LabelledText, ...]:
    """Rows of one of the public sets; without a label column all are questions."""
    with gzip.open(DATA / name, "rt", encoding="utf-8") as file:
        records: list[dict[str, Any]] = [json.loads(line) for line in file]
    kept = [record for record in records if record.get("intent") not in NOT_QUESTIONS]
    return tuple(
        LabelledText(text=record[text], label=record[label] if label else QUESTION)
        for record in kept
        if record[text].strip()
    )


def unseen_questions() -> tuple[LabelledText, ...]:
    """What people ask of clinc150's domains of work and money."""
    domains: dict[str, list[str]] = json.loads((DATA / "clinc150" / "domains.json").read_text(encoding="utf-8"))
    intents = {intent for domain in UNSEEN_DOMAINS for intent in domains[domain]}
    rows = read("clinc150/intents.jsonl.gz", "text", "intent")
    return tuple(LabelledText(text=row.text, label=QUESTION) for row in rows if row.label in intents)


def sample(rows: Sequence[LabelledText], encoder: SentenceEncoder) -> Sample:
    """Encode rows."""
    return Sample(rows=tuple(rows), embeddings=encode_rows(rows, encoder))


def builtin(encoder: SentenceEncoder, picture: Path | None) -> None:
    """Print what the built-in head makes of held-out messages and of real questions."""
    definitions = load_definitions()
    training = few_shot_training(definitions, encoder)
    heads = {"zero-shot": IntentHead.from_prototypes(definitions, encoder), "few-shot": training.head}
    print(
        f"\nFew-shot head: {training.rows[Split.TRAIN]} rows, {training.seconds:.1f} s, out-of-fold accuracy "
        f"{training.dev_accuracy:.3f}, ECE {training.dev_calibration_error:.3f}"
    )
    held_out = sample(load_rows(HELD_OUT), encoder)
    cjk = np.array([has_cjk(row.text) for row in held_out.rows])
    for name, head in heads.items():
        for language, part in (("English", held_out.take(~cjk)), ("Chinese", held_out.take(cjk))):
            print_held_out(f"{name}, {language}", head, part)
    if picture is not None:
        plot_confusion(evaluate(training.head, held_out), picture)
    print_thresholds(training.head, ExampleMatcher(definitions), held_out, encoder)


def evaluate(head: IntentHead, data: Sample) -> IntentReport:
    """Measure a head on a sample."""
    return evaluate_intent(head, data.rows, data.embeddings, np.random.default_rng(0))


def print_held_out(name: str, head: IntentHead, data: Sample) -> None:
    """Print accuracy, then the confusions."""
    report = evaluate(head, data)
    print(f"{name}: accuracy {report.accuracy.value:.3f}, macro F1 {report.macro_f1:.3f}, {report.rows} messages")
    wrong = [
        f"{report.labels[true]} as {report.labels[guess]}: {count}"
        for (true, guess), count in np.ndenumerate(report.confusion)
        if count and true != guess
    ]
    print(f"    {'; '.join(wrong) or 'no confusion'}")


def print_thresholds(head: IntentHead, matcher: ExampleMatcher, held_out: Sample, encoder: SentenceEncoder) -> None:
    """Print, for each threshold of confidence, the share of questions diverted and of small talk recognised."""
    questions = {name: sample(read(file, text), encoder) for name, (file, text) in QUESTIONS.items()}
    questions["unseen"] = sample(unseen_questions(), encoder)
    talk = [row for row in read("clinc150/intents.jsonl.gz", "text", "intent") if row.label in SMALL_TALK]
    small_talk = sample([LabelledText(text=row.text, label=SMALL_TALK[row.label]) for row in talk], encoder)
    predicted = {name: decide(head, matcher, data) for name, data in questions.items()}
    cjk = np.array([has_cjk(row.text) for row in held_out.rows])
    spoken = {"held out en": held_out.take(~cjk), "held out zh": held_out.take(cjk), "clinc150 small talk": small_talk}
    recognised = {name: decide(head, matcher, data) for name, data in spoken.items()}
    print("\nShare of questions diverted (%), and of other messages that get the right reply, by confidence threshold")
    print("| threshold | " + " | ".join([*questions, "all"]) + " | " + " | ".join(spoken) + " | wrong reply |")
    print("|" + "---|" * (len(questions) + len(spoken) + 3))
    for threshold in THRESHOLDS:
        diverted = [np.array([diverts(intent, threshold) for intent in found]) for found in predicted.values()]
        cells = [f"{100 * part.mean():.2f}" for part in (*diverted, np.concatenate(diverted))]
        right = [f"{share_right(recognised[name], data, threshold):.2f}" for name, data in spoken.items()]
        wrong = share_wrong(recognised["held out en"] + recognised["held out zh"], spoken, threshold)
        print(f"| {threshold} | {' | '.join(cells)} | {' | '.join(right)} | {wrong:.3f} |")


def decide(head: IntentHead, matcher: ExampleMatcher, data: Sample) -> tuple[Intent, ...]:
    """What the bot does: near-exact examples first, then the head."""
    return tuple(
        matcher.match(row.text) or intent for row, intent in zip(data.rows, head.classify(data.embeddings), strict=True)
    )


def diverts(intent: Intent, threshold: float) -> bool:
    """Whether a message leaves the way of a question."""
    return intent.label != QUESTION and intent.confidence >= threshold


def share_right(found: Sequence[Intent], data: Sample, threshold: float) -> float:
    """Of the messages that are no questions: the share with the right label and confidence enough."""
    hits = [
        diverts(intent, threshold) and intent.label == row.label
        for intent, row in zip(found, data.rows, strict=True)
        if row.label != QUESTION
    ]
    return float(np.mean(hits))


def share_wrong(found: Sequence[Intent], spoken: dict[str, Sample], threshold: float) -> float:
    """Of the held-out messages, questions included: the share that gets the reply of another intent."""
    rows = spoken["held out en"].rows + spoken["held out zh"].rows
    return float(
        np.mean(
            [diverts(intent, threshold) and intent.label != row.label for intent, row in zip(found, rows, strict=True)]
        )
    )


def matching() -> None:
    """Print what the matcher alone catches and misses, by the likeness that it asks for."""
    definitions = load_definitions()
    rows = load_rows(HELD_OUT)
    questions = [row.text for file, text in QUESTIONS.values() for row in read(file, text)]
    print(
        "\nMatcher alone, by likeness: share recognised of held-out small talk, wrong replies, questions diverted (%)"
    )
    print("| likeness | English | Chinese | wrong | diverted |\n|---|---|---|---|---|")
    for ratio in (0.5, 0.6, 0.7, 0.8, 0.9):
        matcher = ExampleMatcher(definitions, min_ratio=ratio, min_ratio_cjk=ratio)
        found = [(row, matcher.match(row.text)) for row in rows]
        shares = [
            np.mean(
                [
                    match is not None and match.label == row.label
                    for row, match in found
                    if row.label != QUESTION and has_cjk(row.text) is chinese
                ]
            )
            for chinese in (False, True)
        ]
        wrong = np.mean([match is not None and match.label not in (row.label, QUESTION) for row, match in found])
        lost = np.mean([(match := matcher.match(text)) is not None and match.label != QUESTION for text in questions])
        print(f"| {ratio} | {shares[0]:.2f} | {shares[1]:.2f} | {wrong:.3f} | {100 * lost:.3f} |")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default=DEFAULT_ENCODER, help="model source (default: %(default)s)")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS, help="what to measure")
    parser.add_argument("--picture", type=Path, help="write the built-in head's confusion matrix there")
    given = parser.parse_args()
    cache = Path(os.environ.get("BURNISH_CACHE") or platformdirs.user_cache_dir("burnish"))
    if "matcher" in given.only:
        matching()
    if "builtin" in given.only:
        builtin(SentenceEncoder(resolve(given.encoder, cache=cache)), given.picture)


if __name__ == "__main__":
    main()
