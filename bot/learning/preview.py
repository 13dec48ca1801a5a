"""What would be learned now, from whom, and what would not: for `/retrain dry-run` and the command line (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from adapters.examples import AnswerExample, Example, IntentExample, LinkExample, VerdictExample
from adapters.types import Task
from bot.learning.feedback import Gathered, LeftOut, Omission
from bot.learning.report import task_name
from bot.texts import say
from training.readiness import Readiness
from training.splits import feedback_side
from training.trust import Doubt
from training.types import Split

SHOWN: Final = 3  # examples of each kind, and of what is left out for each reason
QUESTION_CHARACTERS: Final = 80


def preview(
    gathered: Gathered,
    language: str,
    names: Mapping[int, str] | None = None,
    *,
    ready: Sequence[Readiness] = (),
) -> tuple[str, ...]:
    """Say it in lines of plain text; a line that is indented belongs to the one above.

    Args:
        gathered: What there is.
        language: In which to say it.
        names: Of the people who taught it, for admins alone; None to name nobody.
        ready: The parts that a run would train, with what there is for each; none: all parts are shown, and nothing is
            said of a run.
    """
    examples = gathered.examples
    lines = [say("preview-sum", language, examples=len(examples), people=len(gathered.people))]
    wanted = {one.task for one in ready} or set(Task)
    kinds: tuple[tuple[str, Task, Sequence[Example]], ...] = (
        ("intents", Task.INTENT, examples.intents),
        ("links", Task.RETRIEVAL, examples.links),
        ("verdicts", Task.RETRIEVAL, examples.verdicts),
        ("answers", Task.GENERATOR, examples.answers),
    )
    for kind, task, found in kinds:
        if found and task in wanted:
            kept = sum(feedback_side(one.question) is Split.TEST for one in found)
            lines.append(say(f"preview-{kind}", language, count=len(found), kept=kept))
            best = sorted(found, key=lambda one: -one.weight)[:SHOWN]
            lines += [_example(one, gathered, language, names) for one in best]
    lines += _left_out(gathered.left_out, language)
    lines += _doubts(gathered, language, names)
    if gathered.outdated:
        lines.append(say("preview-outdated", language, documents=len(gathered.outdated)))
    return (*lines, *_of_a_run(ready, language))


def _of_a_run(ready: Sequence[Readiness], language: str) -> list[str]:
    """What a run would come to."""
    if not ready:
        return []
    few = [
        say(
            "preview-few",
            language,
            task=task_name(one.task, language),
            have=one.have,
            need=one.need,
            missing=one.missing,
        )
        for one in ready
        if not one.enough
    ]
    trained = ", ".join(task_name(one.task, language) for one in ready if one.enough)
    would = say("preview-would", language, tasks=trained) if trained else say("preview-would-not", language)
    return [*few, would]


def _example(one: Example, gathered: Gathered, language: str, names: Mapping[int, str] | None) -> str:
    said = say(f"preview-says-{_says(one)}", language, label=one.label if isinstance(one, IntentExample) else "")
    line = f"  {say('preview-example', language, question=_short(one.question), said=said)}"
    return line + _named((gathered.authors[rating] for rating in one.ratings), language, names)


def _named(people: Iterable[int], language: str, names: Mapping[int, str] | None) -> str:
    if names is None:
        return ""
    return say("preview-names", language, names=", ".join(sorted({names.get(one, "") or "?" for one in people})))


def _says(one: Example) -> str:
    if isinstance(one, IntentExample):
        return "intent"
    if isinstance(one, LinkExample):
        return "good-link" if one.good else "bad-link"
    if isinstance(one, VerdictExample):
        return "answerable" if one.answerable else "unanswerable"
    return _says_of_answer(one)


def _says_of_answer(one: AnswerExample) -> str:
    if one.better:
        return "better"
    return "liked" if one.liked else "disliked"


def _left_out(omissions: Sequence[Omission], language: str) -> list[str]:
    if not omissions:
        return []
    lines = [say("preview-left-out", language, answers=len(omissions))]
    counts = Counter(one.why for one in omissions)
    for why in LeftOut:
        if counts[why]:
            lines.append(f"  {say(_key('preview-why', why), language, count=counts[why])}")
            questions = [one.question for one in omissions if one.why is why and why is LeftOut.DISPUTED]
            lines += [f"    “{_short(question)}”" for question in questions[:SHOWN]]
    return lines


def _doubts(gathered: Gathered, language: str, names: Mapping[int, str] | None) -> list[str]:
    doubts = {} if gathered.trust is None else gathered.trust.doubts
    lines = []
    for doubt in Doubt:
        people = [person for person, why in doubts.items() if doubt in why]
        if people:
            said = say(_key("preview-doubt", doubt), language, people=len(people))
            lines.append(said + _named(people, language, names))
    return lines


def _key(prefix: str, member: StrEnum) -> str:
    return f"{prefix}-{member.name.lower().replace('_', '-')}"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= QUESTION_CHARACTERS else f"{flat[: QUESTION_CHARACTERS - 1]}…"
