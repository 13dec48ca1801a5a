"""`burnish config`: what is set, and what could be."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from bot.cli.context import context
from bot.config import Settings, effective, example_toml

app = typer.Typer(help="Show the settings in force.", no_args_is_help=True)


@app.command()
def show(ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="For a script.")] = False) -> None:
    """Print the effective settings; secrets are masked, changed ones are marked with *."""
    call = context(ctx)
    values, defaults = effective(call.settings), effective(Settings())
    if as_json:
        call.print_json({"home": call.folders.home, "cache": call.folders.cache, "settings": values})
        return
    call.out.print(Text(f"home   {call.folders.home}\ncache  {call.folders.cache}\nfile   {call.folders.file}"))
    if not call.folders.file.is_file():
        call.out.print(Text("       (absent: these are the defaults and what the environment sets)", style="dim"))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for section, content in values.items():
        table.add_row("")
        table.add_row(Text(f"[{section}]", style="bold"))
        for key, value in content.items():
            mark = "*" if value != defaults[section][key] else " "
            table.add_row(Text(f"{mark} {key}"), Text(json.dumps(value, ensure_ascii=False)))
    call.out.print(table)


@app.command()
def path(ctx: typer.Context) -> None:
    """Print where the settings file belongs."""
    sys.stdout.write(f"{context(ctx).folders.file}\n")


@app.command()
def example() -> None:
    """Print every setting with its default, unit and meaning, as a settings file."""
    sys.stdout.write(example_toml())
