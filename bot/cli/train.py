"""`burnish train`: learn from ratings and corrections, and what else is trained on the server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from adapters.types import Task
from bot.cli.context import Context, context, fail
from bot.texts import FALLBACK

if TYPE_CHECKING:
    from bot.learning.types import Job, RunDetail
    from bot.learning.worker import Learner
    from bot.store.runs import Run
    from bot.store.store import Store
    from bot.wiring import GeneratorEpoch
    from bot.wiring_learning import LearningSide

app = typer.Typer(help="Learn from ratings and corrections; without a part, all parts.")

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be learned, and from whom.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]
LAST = 20  # runs that are listed


@app.callback(invoke_without_command=True)
def root(ctx: typer.Context, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Train every part on what people said, and let what proves better serve, as the settings say."""
    if ctx.invoked_subcommand is None:
        _train(context(ctx), (), dry_run=dry_run, yes=yes)


@app.command()
def intent(ctx: typer.Context, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Train the part that tells what a message is about."""
    _train(context(ctx), (Task.INTENT,), dry_run=dry_run, yes=yes)


@app.command()
def retrieval(ctx: typer.Context, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Train the part that finds the passages that answer, and tells when none does."""
    _train(context(ctx), (Task.RETRIEVAL,), dry_run=dry_run, yes=yes)


@app.command()
def generator(ctx: typer.Context, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Train the part that words answers."""
    _train(context(ctx), (Task.GENERATOR,), dry_run=dry_run, yes=yes)


@app.command("runs")
def list_runs(
    ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="For a script.")] = False
) -> None:
    """List the last training runs."""
    call = context(ctx)
    with call.wiring.open_store() as store:
        found = store.runs.recent(LAST)
    from bot.learning.report import outcomes

    rows = [
        {
            "run": str(run.id),
            "parts": " ".join(run.tasks),
            "cause": run.cause,
            "state": run.state.value,
            "began": f"{run.started_at:%Y-%m-%d %H:%M}",
            "outcome": "; ".join(outcomes(run, FALLBACK)),
        }
        for run in found
    ]
    if as_json:
        call.print_json(rows)
    elif not rows:
        call.out.print("No training run yet.")
    else:
        table = Table(*rows[0], box=None, header_style="dim", padding=(0, 2, 0, 0))
        for row in rows:
            table.add_row(*map(Text, row.values()))
        call.out.print(table)


@app.command("cancel")
def cancel_run(ctx: typer.Context) -> None:
    """Stop the run that goes on, in whatever program."""
    call = context(ctx)
    with call.wiring.open_store() as store:
        run = asyncio.run(_side(call, store).loop.cancel())
    if run is None:
        fail(call, "No training is going on.")
    call.out.print(f"Training {run.id} is being stopped; what serves goes on serving.")


def worker(ctx: typer.Context) -> None:
    """Be the training process of a program that serves or trains."""
    from bot.learning.worker import own_pipes, step_aside, work

    pipes = own_pipes()
    step_aside()
    call = context(ctx)

    def learner(job: Job) -> Learner:
        from bot.wiring_training import LocalLearner  # brings the whole program along, after the first word

        return LocalLearner(call.wiring, store, job)

    with call.wiring.open_store() as store:
        work(pipes, learner)


def _train(call: Context, tasks: Sequence[Task], *, dry_run: bool, yes: bool) -> None:
    from bot.learning.types import ALL_TASKS
    from bot.wiring_learning import preview_lines

    with call.wiring.open_store() as store:
        side = _side(call, store)
        if dry_run or not yes:
            with call.bar():
                wanted = [task for task in (tasks or ALL_TASKS) if task in call.wiring.followed]
                lines = preview_lines(store, side.gathering, FALLBACK, in_detail=True, tasks=wanted)
            call.out.print(Text("\n".join(lines)))
        if dry_run or (not yes and not _agreed(call)):
            return
        with call.bar():
            ended = asyncio.run(_run(call, side, tuple(tasks) or ALL_TASKS))
    _show(call, *ended)


def _side(call: Context, store: Store) -> LearningSide:
    from bot.wiring_learning import learning_side, searching

    return learning_side(call.wiring, store, search=searching(call.wiring, store))


def _agreed(call: Context) -> bool:
    if not sys.stdin.isatty():
        fail(call, "To train from a script, add --yes.")
    return typer.confirm("Train on this now?", default=True)


async def _run(call: Context, side: LearningSide, tasks: Sequence[Task]) -> tuple[Run, RunDetail]:
    from bot.learning.report import progress_text
    from bot.learning.types import Cause

    try:
        run = await side.loop.retrain(tasks, cause=Cause.SERVER)
        while (step := await side.loop.moved(run.id)) is not None:
            call.wiring.progress(step.done, step.total, progress_text(run.id, step, FALLBACK))
        ended = await side.loop.wait(run.id)
    finally:
        await side.loop.stop()
    assert ended is not None  # noqa: S101 - it was begun here
    return ended


def _show(call: Context, run: Run, detail: RunDetail) -> None:
    from bot.learning.report import report_text

    call.out.print(Markdown(report_text(run, detail, FALLBACK)))
    if not any(result.version for result in detail.results):
        raise typer.Exit(1)


@app.command()
def domain(
    ctx: typer.Context,
    output: Annotated[Path, typer.Option(help="New folder for the adapter.")] = Path("domain-adapter"),
) -> None:
    """Let the language model read your documents, before it learns from ratings; a candidate comes of it.

    docs/experiments-learning.md says what that brought; measure it with `burnish eval` before you promote it.
    """
    from bot.wiring_ground import train_on_documents

    call = context(ctx)
    with call.bar():
        added, made = train_on_documents(
            call.wiring,
            output,
            on_step=lambda step: call.wiring.progress(step.step, step.steps, f"reading, loss {step.loss:.2f}"),
        )
    figures = ", ".join(f"{name} {value:.4g}" for name, value in made.metrics.items())
    call.out.print(Text(f"{added.name} is a candidate ({figures}). Measure it: burnish eval --candidate {added.name}"))


@app.command("base-adapter")
def base_adapter(
    ctx: typer.Context,
    data: Annotated[Path, typer.Option(help="Folder that holds the sets, such as squad2_en/.")],
    output: Annotated[Path, typer.Option(help="New folder for the adapter.")] = Path("base-adapter"),
    epochs: Annotated[int, typer.Option(min=1, max=100, help="Passes over the questions.")] = 3,
    rank: Annotated[int, typer.Option(min=1, max=256, help="Rank of the LoRA.")] = 8,
    learning_rate: Annotated[float, typer.Option(min=1e-7, max=0.1, help="AdamW's learning rate.")] = 5e-4,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same adapter on the same machine.")] = 0,
) -> None:
    """Train the generator's base adapter from scratch: grounded answers, and telling what the passages do not hold.

    It takes an hour or more on a CPU. The finished folder can be given to `burnish versions add`.
    """
    call = context(ctx)
    call.out.print(Text("epoch   train loss   head loss   dev loss   dev AUROC   minutes", style="dim"))
    chosen = {"epochs": epochs, "rank": rank, "alpha": 2 * rank, "learning_rate": learning_rate, "seed": seed}
    with call.bar():
        made = call.wiring.train_base_adapter(data, output, chosen, on_epoch=lambda report: _show_epoch(call, report))
    call.out.print(
        Text(
            f"{made.folder}: held-out articles: loss {made.held_out_loss:.3f}, answerability AUROC "
            f"{made.held_out_auroc:.3f}; {made.seconds / 60:.0f} min"
        )
    )


def _show_epoch(call: Context, report: GeneratorEpoch) -> None:
    call.out.print(
        f"{report.epoch:5d} {report.train_loss:12.4f} {report.head_loss:11.4f} {report.dev_loss:10.4f} "
        f"{report.dev_auroc:11.3f} {report.seconds / 60:9.1f}"
    )
