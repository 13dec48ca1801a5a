"""`burnish eval`: how good the answers are, and whether a version may serve, by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.types import Task
from bot.cli.context import FINDINGS, Context, context
from bot.texts import FALLBACK

if TYPE_CHECKING:
    from bot.wiring_eval import Part, Report, Single

MOST_NAMED = 10  # cases or rows that are named one by one
SHORT = 200  # characters of an example's answer
MEANINGS = {  # of what is measured; docs/adr/0010 has more
    "utility": "how likely an answer is right by what is known, 0 to 1; this alone decides",
    "accepted": "share of the answers that people would take",
    "agreement": "with the answers that were approved or liked, 0 to 1",
    "right passage": "share of the answers that show a passage which is known to answer",
    "right verdict": "share of the questions that are refused exactly where the documents do not tell",
    "grounded": "share of the sentences that the passages shown back",
    "margin": "by how much the model finds the right answer likelier than the wrong one, nats a token",
    "characters": "length of an answer",
}


def evaluate(
    ctx: typer.Context,
    task: Annotated[Task, typer.Option("--task", help="Whose versions are named.")] = Task.GENERATOR,
    candidate: Annotated[
        str, typer.Option("--candidate", metavar="NAME", help="A version, such as generator-2; default: what serves.")
    ] = "",
    against: Annotated[
        str, typer.Option("--against", metavar="NAME", help="What it is compared with; default: what serves.")
    ] = "",
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help="Ask the questions of this file instead, and compare with its right answers: CSV with the columns "
            "question and answer, or JSON or JSONL with these keys. Default: the rated questions that no version was "
            "trained on.",
        ),
    ] = None,
    suite: Annotated[bool, typer.Option("--suite/--no-suite", help="Ask the regression suite too, a minute.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="For a script.")] = False,
) -> None:
    """Measure the answers to held-out questions; with --candidate, decide as the gate does whether it may serve.

    Nothing changes: a version is let serve with `burnish versions promote`.
    """
    from bot.wiring_eval import Report, as_values, evaluate_versions, questions_for

    call = context(ctx)
    questions, faults = questions_for(call.wiring, file, suite=suite)
    with call.bar():
        found = evaluate_versions(call.wiring, questions, task=task, candidate=candidate, against=against)
    if as_json:
        call.print_json(as_values(found))
    elif isinstance(found, Report):
        _show_report(call, found)
    else:
        _show_single(call, found)
    if faults:
        _show_list(call.err, f"Left out of {file}:", faults)
        raise typer.Exit(FINDINGS)


def _show_report(call: Context, report: Report) -> None:
    from bot.wiring_eval import points, reason_lines

    _show_parts(call, report.parts, (report.against, report.candidate))
    _show_list(call.out, "Broken in the regression suite:", report.broken)
    _show_list(call.out, "Mended in the regression suite:", report.mended)
    for one in report.examples:
        call.out.print(Text(f"\n{one.question}  ({points(one.gain)})", style="bold"))
        call.out.print(Text(f"  before: {_short(one.before)}\n  after:  {_short(one.after)}"))
    decision = report.decision
    verdict = "may not serve" if not decision.promote else "may serve"
    if decision.canary_required:
        verdict += " a share of the conversations first"
    call.out.print(Text(f"\n{report.candidate} {verdict}.", style="bold"))
    for line in reason_lines(decision.reasons, FALLBACK):
        call.out.print(Text(f"- {line}"))


def _show_single(call: Context, single: Single) -> None:
    _show_parts(call, single.parts, (single.name,))
    if single.cases:
        call.out.print(f"Regression suite: {single.cases - len(single.failed)} of {single.cases} cases hold.")
    _show_list(call.out, "These do not:", single.failed)


def _show_parts(call: Context, parts: Sequence[Part], names: Sequence[str]) -> None:
    if not parts:
        call.out.print("No held-out question was asked.")
        return
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("on held-out questions")
    for name in (*names, "n"):
        table.add_column(name, justify="right")
    for part in parts:
        values = (part.before, part.after)[: len(names)]
        table.add_row(part.name, *(_number(value) for value in values), str(part.questions))
    call.out.print(table)
    for part in parts:
        call.out.print(Text(f"  {part.name}: {MEANINGS[part.name]}", style="dim"))


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.0f}"  # noqa: PLR2004 - a length, no share


def _show_list(out: Console, heading: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    out.print(Text(heading, style="yellow"))
    for line in lines[:MOST_NAMED]:
        out.print(Text(f"- {line}"))
    if len(lines) > MOST_NAMED:
        out.print(Text(f"- and {len(lines) - MOST_NAMED} more"))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHORT else f"{line[:SHORT]}..."
