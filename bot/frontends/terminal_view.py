"""How answers, sources and explanations look in a terminal."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.buttons import Verb, read
from bot.teaching import SOURCE as TAUGHT
from bot.types import Answer, RatingReason, Source, StoredAnswer

PIPE_CHARACTERS = 400  # of a line into a pipe, which whoever reads it breaks as they like

HELP = """\
Ask in your own words. Answers come from the documents, with their sources.

  +            the last answer was good
  -            it was not: says why, and takes the right answer
               in one line: - 3 the right answer, - outdated: the right answer, or - wrong: the right answer
               reasons: 1 wrong topic, 2 wrong source, 3 bad wording, 4 out of date, 5 other
  1, 2, 3      pick one of the questions that the bot offers
  /why         why the last answer is as it is
  /sources     the passages behind it, in full
  /new         start a new conversation
  /help        this text
  /quit        leave (also Ctrl-D)

Ctrl-C stops an answer that is being written."""

REASONS: tuple[RatingReason, ...] = tuple(RatingReason)
_ALSO = {
    "topic": RatingReason.WRONG_TOPIC,
    "source": RatingReason.WRONG_SOURCE,
    "wording": RatingReason.BAD_WORDING,
    "outdated": RatingReason.OUT_OF_DATE,
    "old": RatingReason.OUT_OF_DATE,
    "wrong": RatingReason.OTHER,
    "something else": RatingReason.OTHER,
}


def reason_menu() -> str:
    """The follow-up to a thumbs-down, on one line."""
    return "  ".join(f"{number} {reason.value}" for number, reason in enumerate(REASONS, start=1))


def reason_named(text: str) -> RatingReason | None:
    """The reason that a number or words for it mean."""
    wanted = " ".join(text.casefold().replace("-", " ").split())
    if wanted.isdecimal() and 1 <= int(wanted) <= len(REASONS):
        return REASONS[int(wanted) - 1]
    return next((reason for reason in REASONS if reason.value == wanted), None) or _ALSO.get(wanted)


def place(source: Source) -> str:
    """Where a source stands, as short as it can be said: a path below this folder, else the whole path or link."""
    uri = source.uri
    if uri.startswith(f"{TAUGHT}:"):
        return "taught in chat"
    if not uri.startswith(("http://", "https://")):
        path = Path(uri)
        working = Path.cwd()
        uri = str(path.relative_to(working)) if path.is_relative_to(working) else uri
    return uri + unquote(source.anchor if source.anchor.startswith("#") or not source.anchor else f"#{source.anchor}")


def source_lines(sources: Sequence[Source]) -> RenderableType:
    """The numbered sources beneath an answer."""
    lines = []
    for source in sources:
        line = Text(f"  [{source.number}] ", style="dim")
        line.append(source.title, style="default")
        line.append(f"  {place(source)}", style="dim")
        lines.append(line)
    return Group(*lines)


def suggestion_lines(suggestions: Sequence[str]) -> RenderableType:
    """The questions to pick from."""
    return Group(*(Text(f"  {number}. {text}") for number, text in enumerate(suggestions, start=1)))


def full_sources(answer: Answer) -> RenderableType:
    """The passages behind an answer, word for word."""
    if not answer.sources:
        return Text("The last answer has no sources.", style="dim")
    parts: list[RenderableType] = []
    for source in answer.sources:
        parts.append(Text(f"[{source.number}] {source.title}", style="bold"))
        parts.append(Text(place(source), style="dim"))
        parts.append(Padding(Text(source.excerpt), (0, 0, 1, 4)))
    return Group(*parts)


def explanation(stored: StoredAnswer) -> RenderableType:
    """Why an answer is as it is: the decision, the intent, the passages with their scores, versions, timings."""
    answer, trace = stored.answer, stored.answer.trace
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row("answer", f"#{stored.id}, {answer.outcome.value} ({answer.kind.value})")
    facts.add_row("because", Text(trace.reason))
    if trace.query and trace.query != stored.question:
        facts.add_row("searched for", Text(trace.query))
    if trace.intent is not None:
        intent = trace.intent
        facts.add_row("intent", f"{intent.label}, confidence {intent.confidence:.2f}, in scope {intent.in_scope:.2f}")
    if trace.scores:
        facts.add_row("answerable", ", ".join(f"{name} {value:.2f}" for name, value in trace.scores.items()))
    if trace.draft:
        facts.add_row("model wrote", Text(trace.draft.strip()))
    for task, name in trace.versions.items():
        facts.add_row(task, Text(name))
    if trace.timings_ms:
        facts.add_row("ms", "  ".join(f"{step} {value:,.0f}" for step, value in trace.timings_ms.items()))
    return Group(facts, _passages(answer)) if trace.passages else facts


def _passages(answer: Answer) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name in ("", "passage"):
        table.add_column(name, overflow="fold")
    for name in ("similarity", "BM25", "fused"):
        table.add_column(name, justify="right", no_wrap=True)
    for passage in answer.trace.passages:
        mark = "*" if passage.used else ""
        scores = (f"{passage.similarity:.3f}", f"{passage.lexical:.2f}", f"{passage.fused:.4f}")
        table.add_row(mark, Text(passage.title), *scores)
    return Padding(table, (1, 0, 0, 0))


def show_answer_end(out: Console, answer: Answer) -> None:
    """What follows an answer's text: the choices, the sources."""
    if answer.suggestions:
        out.print(suggestion_lines(answer.suggestions))
    if answer.sources:
        out.print(source_lines(answer.sources))


def show_command(out: Console, answer: Answer, *, interactive: bool) -> None:
    """What a command said, and what its buttons stand for: the commands that they give."""
    if interactive:
        out.print(Markdown(answer.text))
    else:
        out.print(Text(_for_a_pipe(answer.text)), soft_wrap=True)
    for row in answer.buttons:
        for button in row:
            pressed = read(button.data)
            if pressed is not None and pressed.verb is Verb.COMMAND:
                given = f"/{pressed.subject} {pressed.argument}".strip()
                out.print(Text(f"  {given}  {button.label}", style="dim"))


def _for_a_pipe(markdown: str) -> str:
    """Markdown as it looks, in lines as long as they are."""
    console = Console(file=io.StringIO(), width=PIPE_CHARACTERS, color_system=None)
    with console.capture() as shown:
        console.print(Markdown(markdown))
    return "\n".join(line.rstrip() for line in shown.get().rstrip().splitlines())
