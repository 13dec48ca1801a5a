"""`burnish versions`: the adapter versions, and which one serves."""

from __future__ import annotations

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
def promote(
    ctx: typer.Context, name: Annotated[str, typer.Argument(help="Such as generator-2.")], task: Which = Task.GENERATOR
) -> None:
    """Let a version serve; a running bot takes it within seconds."""
    call = context(ctx)
    version = call.wiring.registry.promote(task, name)
    call.out.print(Text(f"{version.name} serves; a running bot takes it within seconds."))


@app.command()
def rollback(ctx: typer.Context, task: Which = Task.GENERATOR) -> None:
    """Let the version serve that served before; a running bot takes it within seconds."""
    call = context(ctx)
    version = call.wiring.registry.rollback(task)
    serving = version.name if version is not None else f"the {task.value} as it was before the first version"
    call.out.print(Text(f"{serving} serves; a running bot takes it within seconds."))


def _row(version: AdapterVersion) -> dict[str, str]:
    return {
        "version": version.name,
        "task": version.task.value,
        "stage": version.stage.value,
        "from": version.source,
        "made": f"{version.created_at:%Y-%m-%d %H:%M}",
        "fingerprint": version.fingerprint[:12],
    }
