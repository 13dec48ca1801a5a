"""`burnish store`: the database's schema, backups and health."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bot.cli.context import FINDINGS, context

app = typer.Typer(help="Care for the database: migrate, check, back up, restore.", no_args_is_help=True)


@app.command()
def migrate(ctx: typer.Context) -> None:
    """Bring the database to the schema of this version; safe to repeat."""
    call = context(ctx)
    with call.bar():
        applied = call.wiring.migrate()
    call.out.print(f"Applied {', '.join(applied)}." if applied else "The database is up to date.")


@app.command()
def check(ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="For a script.")] = False) -> None:
    """Look for damage: torn files, missing rows, texts that no key opens. Exits with 4 if there is any."""
    call = context(ctx)
    with call.bar():
        findings = call.wiring.check()
    if as_json:
        call.print_json([{"check": f.check, "sentence": f.sentence} for f in findings])
    elif not findings:
        call.out.print("The store is sound.")
    else:
        for finding in findings:
            call.out.print(Text(f"{finding.check}: {finding.sentence}"), soft_wrap=True)
    if findings:
        raise typer.Exit(FINDINGS)


@app.command()
def backup(
    ctx: typer.Context,
    destination: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Put the encryption key into it; then guard it like the key.")
    ] = False,
) -> None:
    """Copy the live database into a new folder; the bot may go on meanwhile."""
    call = context(ctx)
    with call.bar():
        call.wiring.backup(destination, with_key=with_key)
    call.out.print(Text(f"Backed up to {destination}."))
    if not with_key:
        call.out.print(
            "The encryption key is not in it: keep a copy of burnish.key in another safe place.", style="dim"
        )


@app.command()
def restore(
    ctx: typer.Context,
    source: Annotated[Path, typer.Argument(help="A folder that `burnish store backup` made.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what is in the store now.")] = False,
) -> None:
    """Put a backup in the store's place; stop the bot before."""
    call = context(ctx)
    with call.bar():
        call.wiring.restore(source, force=force)
    call.out.print(Text(f"Restored from {source}."))
