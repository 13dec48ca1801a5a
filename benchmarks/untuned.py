"""How the default generator answers before any tuning: a Markdown table for docs/experiments.md.

    python -m benchmarks.untuned

Twenty questions that the example help centre answers and twenty that it does not (its fifteen dev questions to be
refused, and five of squad2_en that are on topic but not answered). Each is searched for as the bot does; the model
writes from the best extract of the three best passages, also where the bot would have refused.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from adapters.bases import DEFAULT_ENCODER, DEFAULT_GENERATOR, resolve
from adapters.encoder.model import SentenceEncoder
from adapters.generator.model import LocalGenerator
from benchmarks.questions import SEED, as_searched, example_questions, examples, line_encoder, nearness, open_base
from benchmarks.tasks import rows
from benchmarks.writing import SETTINGS, Task, Written, as_passage, contains, extract, write_all
from bot.confidence import DEFAULT_ANSWERABILITY, answerability
from bot.config import folders
from bot.grounding import DEFAULT_SUPPORT
from bot.words import has_han

PASSAGES = 3


def tasks(encoder: SentenceEncoder) -> Iterator[tuple[Task, float]]:
    """Forty questions with the passages found for them and how likely those are to have the answer."""
    rng = random.Random(SEED)  # noqa: S311 - draws questions, nothing secret
    asked = [row for row in example_questions("dev_questions") if not has_han(row["question"])]
    answerable = [row for row in asked if row["expect"] == "answer"]
    chosen = rng.sample(answerable, 20) + [row for row in asked if row["expect"] == "refuse"]
    with tempfile.TemporaryDirectory() as folder:
        knowledge = open_base(examples(encoder), encoder, Path(folder))
        encoded = line_encoder(encoder)
        for row in chosen:
            text = as_searched(row)
            vector = encoder.encode([text])[0]
            found = knowledge.search(text, vector)
            near = nearness(vector, encoded)(found)
            right = tuple(tuple(group) for group in row.get("must_contain", ()))
            read = found[:PASSAGES]
            lines = (extract(text, read, encoder),)
            yield Task(question=text, passages=read, extracts=lines, right=right), answerability(text, found, near)
    texts = {row["id"]: (row["title"].replace("_", " "), row["text"]) for row in rows("squad2_en/passages")}
    adversarial = [row for row in rows("squad2_en/qa") if not row["answerable"]]
    for row in rng.sample(adversarial, 40 - len(chosen)):
        given = (as_passage(*texts[row["doc"]]),)
        lines = (extract(row["question"], given, encoder),)
        yield Task(question=row["question"], passages=given, extracts=lines, right=()), 1.0  # not searched for


def table(written: Sequence[Written], likely: Sequence[float]) -> Iterator[str]:
    """Lines of Markdown."""
    yield "| | question | the model's answer | right? | check | refused before? |"
    yield "|---|---|---|---|---|---|"
    for number, (item, before) in enumerate(zip(written, likely, strict=True), 1):
        answer = "".join(item.sentences).strip()
        right = "yes" if item.task.right and contains(answer, item.task.right) else "no"
        refused = f"{'yes' if before < DEFAULT_ANSWERABILITY else 'no'} ({before:.2f})"
        cells = [str(number), item.task.question, answer, right, verdict(item), refused]
        yield f"| {' | '.join(' '.join(cell.replace('|', '/').split()) for cell in cells)} |"


def verdict(item: Written) -> str:
    """What the groundedness check says to an answer."""
    if item.passed(DEFAULT_SUPPORT):
        return "passed" if item.passed(DEFAULT_SUPPORT) == "".join(item.sentences).strip() else "passed in part"
    return item.supports[0].reason if item.supports else "nothing written"


async def run(generator: LocalGenerator, wanted: Sequence[Task]) -> list[Written]:
    """Write all answers."""
    try:
        return await write_all(generator, wanted)
    finally:
        await generator.aclose()


def main() -> None:
    """Print the table and its sums."""
    cache = folders(os.environ).cache
    encoder = SentenceEncoder(resolve(DEFAULT_ENCODER, cache=cache))
    wanted, likely = zip(*tasks(encoder), strict=True)
    generator = LocalGenerator(resolve(DEFAULT_GENERATOR, cache=cache), SETTINGS)
    written = asyncio.run(run(generator, wanted))
    print("\n".join(table(written, likely)))
    for name, group in (("answerable", written[:20]), ("unanswerable", written[20:])):
        right = sum(bool(item.task.right) and contains("".join(item.sentences), item.task.right) for item in group)
        passed = [item for item in group if item.passed(DEFAULT_SUPPORT)]
        good = sum(bool(item.task.right) and contains(item.passed(DEFAULT_SUPPORT), item.task.right) for item in passed)
        print(
            f"\n{name}: right by rule {right} of {len(group)}; passed by the check {len(passed)}, right {good} of those"
        )


if __name__ == "__main__":
    main()
