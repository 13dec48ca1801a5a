"""`burnish versions`: the adapter versions, and which one serves."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from adapters.types import AdapterVersion, Task
from bot.cli.context import context

app = typer.Typer(help="See adapter versions and choose which one serves.", no_args_is_help=True)

Which = Annotated[Task, typer.Option("--task", help="What the adapter is for.")]


@app.command("list")
def list_(ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="For a script.")] = False) -> None:
    """List the versions of every task."""
    call = context(ctx)
    found = call.wiring.versions()
    if as_json:
        call.print_json([_row(version) for version in found])
        return
    if not found:
        call.out.print("No versions yet: the first one is made when the bot starts.")
        return
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for column in ("version", "stage", "from", "made", "fingerprint"):
        table.add_column(column, overflow="fold")
    for version in found:
        row = _row(version)
        table.add_row(*(Text(row[key]) for key in ("version", "stage", "from", "made", "fingerprint")))
    call.out.print(table)


@app.command()
def add(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A finished adapter, as `burnish train` made it.")],
    task: Which = Task.GENERATOR,
) -> None:
    """Add an adapter as a candidate; it does not serve before it is promoted."""
    call = context(ctx)
    version = call.wiring.add_version(task, folder)
    call.out.print(Text(f"{version.name} is a candidate; let it serve with: burnish versions promote {version.name}"))


@app.command()
def promote(ctx: typer.Context, name: Annotated[str, typer.Argument(help="Such as generator-2.")]) -> None:
    """Let a version serve; a running bot takes it within seconds."""
    call = context(ctx)
    version = call.wiring.registry.promote(_task_of(name), name)
    call.out.print(Text(f"{version.name} serves; a running bot takes it within seconds."))


@app.command()
def rollback(ctx: typer.Context, task: Which = Task.GENERATOR) -> None:
    """Let the version serve that served before; a running bot takes it within seconds."""
    call = context(ctx)
    version = call.wiring.registry.rollback(task)
    serving = version.name if version is not None else f"the {task.value} as it was before the first version"
    call.out.print(Text(f"{serving} serves; a running bot takes it within seconds."))


@app.command()
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Such as generator-2.")],
    as_json: Annotated[bool, typer.Option("--json", help="For a script.")] = False,
) -> None:
    """Show where a version came from, and what was measured of it."""
    call = context(ctx)
    task, registry = _task_of(name), call.wiring.registry
    version, lineage = registry.version(task, name), registry.lineage(task, name)
    shown: dict[str, object] = {**_row(version), "stale": version.stale, "reason": version.reason}
    if lineage is not None:
        shown |= {**asdict(lineage), "ratings": len(lineage.ratings)}
    report = registry.report(task, name) or {}
    if as_json:
        call.print_json({**shown, "report": report})
        return
    for key, value in shown.items():
        if value != "":
            call.out.print(Text.assemble((f"{key}: ", "dim"), str(value)))
    if report:
        call.print_json(report)


@app.command()
def diff(
    ctx: typer.Context,
    first: Annotated[str, typer.Argument(help="Such as generator-2.")],
    second: Annotated[str, typer.Argument(help="Another one of the same part.")],
) -> None:
    """Show in what two versions differ."""
    call = context(ctx)
    if _task_of(first) is not _task_of(second):
        raise typer.BadParameter("both must be versions of the same part")
    found = call.wiring.registry.diff(_task_of(first), first, second)
    if not found:
        call.out.print("Their origins and reports are the same.")
        return
    table = Table("", first, second, box=None, header_style="dim", padding=(0, 2, 0, 0))
    for one in found:
        table.add_row(Text(one.what), Text(one.first or "-"), Text(one.second or "-"))
    call.out.print(table)


@app.command()
def prune(
    ctx: typer.Context,
    task: Which = Task.GENERATOR,
    keep: Annotated[int, typer.Option(min=0, help="How many of those that served before are kept.")] = 5,
) -> None:
    """Remove versions that nobody will want back; what serves, and what came with the program, always stays."""
    call = context(ctx)
    gone = call.wiring.registry.prune(task, keep)
    call.out.print(Text(f"Removed: {', '.join(gone)}" if gone else "There is nothing to remove."))


def _task_of(name: str) -> Task:
    task, _, number = name.rpartition("-")
    if task not in set(Task) or not number.isdecimal():
        raise typer.BadParameter("a version is called such as generator-2; `burnish versions list` names them")
    return Task(task)


def _row(version: AdapterVersion) -> dict[str, str]:
    return {
        "version": version.name,
        "task": version.task.value,
        "stage": version.stage.value,
        "from": version.source,
        "made": f"{version.created_at:%Y-%m-%d %H:%M}",
        "fingerprint": version.fingerprint[:12],
    }
