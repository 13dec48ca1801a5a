"""How much of the personal data in texts is masked before it is learned from, and how much else.

    python -m benchmarks.masking [--quick]

Set: presidio_pii_en (synthetic values in templates that people wrote). Kinds: what bot.learning.masking finds by its
pattern; people's names only where they are known to the store, so here those of the text itself are handed in as they
would be (recall of names is that of telling a name from a word). A span is found when every character of it that is a
letter or digit is masked; what is masked is right when it touches a span of any kind of personal data. Nearly every
number in that set is personal, so what must not be masked is counted in banking77's questions as well.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from benchmarks.table import QUICK as QUICK_RESULTS
from benchmarks.table import RESULTS, Row, keep
from benchmarks.tasks import rows
from bot.learning.masking import Found, Masker, Personal

KINDS: Final = {
    "EMAIL_ADDRESS": Personal.EMAIL,
    "PHONE_NUMBER": Personal.PHONE,
    "CREDIT_CARD": Personal.CARD,
    "IBAN_CODE": Personal.IBAN,
    "IP_ADDRESS": Personal.IP,
}
QUICK: Final = 100  # texts


def measure(texts: Sequence[Mapping[str, Any]], *, names: bool) -> tuple[Counter[str], Counter[str]]:
    """Count by kind what there was and what was found ("name:there", ...), and what was masked rightly or wrongly."""
    recall: Counter[str] = Counter()
    precision: Counter[str] = Counter()
    for row in texts:
        people = [span["value"] for span in row["spans"] if span["type"] == "PERSON"]
        found = Masker(people if names else ()).find(row["text"])
        for span in row["spans"]:
            kind = "PERSON" if names and span["type"] == "PERSON" else KINDS.get(span["type"], "")
            if kind:
                recall[f"{kind}:there"] += 1
                recall[f"{kind}:found"] += _covered(row["text"], span, found)
        for one in found:
            right = any(one.start < span["end"] and span["start"] < one.end for span in row["spans"])
            precision[f"{one.kind.value}:{'right' if right else 'wrong'}"] += 1
    return recall, precision


def _covered(text: str, span: Mapping[str, Any], found: Sequence[Found]) -> bool:
    inside = {place for one in found for place in range(one.start, one.end)}
    return all(place in inside for place in range(span["start"], span["end"]) if text[place].isalnum())


def table(texts: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """The figures."""
    recall, precision = measure(texts, names=False)
    for kind in KINDS.values():
        there, right, wrong = recall[f"{kind}:there"], precision[f"{kind}:right"], precision[f"{kind}:wrong"]
        yield _row(f"presidio_pii_en, {kind.value}: share masked", recall[f"{kind}:found"], there)
        yield _row(f"presidio_pii_en, {kind.value}: of what is masked, personal", right, right + wrong)
    recall, precision = measure(texts, names=True)
    yield _row(
        "presidio_pii_en, names that the store knows: share masked", recall["PERSON:found"], recall["PERSON:there"]
    )
    right, wrong = precision["NAME:right"], precision["NAME:wrong"]
    yield _row("presidio_pii_en, names: of what is masked, personal", right, right + wrong)


def untouched() -> Row:
    """Questions of a bank's customers, in which nothing is personal."""
    questions = [row["text"] for row in rows("banking77/intents")][:3_000]
    masker = Masker()
    return _row(
        "banking77 questions: share left as they are", sum(not masker.find(one) for one in questions), len(questions)
    )


def _row(what: str, found: int, there: int) -> Row:
    return Row(area="learning", what=what, figure=found / there if there else float("nan"), n=there)


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a sanity check on few texts, not kept")
    options = parser.parse_args()
    texts = rows("presidio_pii_en/pii")
    keep(
        "masking",
        [*table(texts[:QUICK] if options.quick else texts), untouched()],
        command=f"python -m benchmarks.masking{' --quick' if options.quick else ''}",
        folder=QUICK_RESULTS if options.quick else RESULTS,
    )


if __name__ == "__main__":
    main()
