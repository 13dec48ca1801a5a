"""`burnish keys`: keys by which programs use the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from bot.cli.context import context, fail
from bot.types import Scope

MAX_NAME = 60  # characters

app = typer.Typer(help="Keys by which programs use the API.", no_args_is_help=True)


@app.command("create")
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What the key is for, as the list shows it.")],
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What it allows; say it again for more. By default to chat.")
    ] = None,
    per_minute: Annotated[
        int | None,
        typer.Option(min=1, max=100_000, help="Requests a minute; by default what web.api_requests_per_minute says."),
    ] = None,
) -> None:
    """Make a key and print it; it is shown this once and kept nowhere."""
    call = context(ctx)
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        fail(call, f"A name has 1 to {MAX_NAME} characters that can be printed.")
    scopes = frozenset(scope or [Scope.CHAT])
    with call.wiring.open_store() as store:
        key, secret = store.api_keys.issue(name.strip(), scopes, requests_per_minute=per_minute)
        store.audit.record(actor="cli", action="create key", detail=f"{key.id} {key.name}: {' '.join(sorted(scopes))}")
    call.out.print(Text(secret), soft_wrap=True)
    call.err.print(f"Key {key.id} is not shown again; `burnish keys revoke {key.id}` ends it.", style="dim")


@app.command("list")
def show(ctx: typer.Context) -> None:
    """List all keys, revoked ones too; a key itself is not shown."""
    call = context(ctx)
    with call.wiring.open_store() as store:
        keys = store.api_keys.list()
    table = Table("id", "name", "scopes", "a minute", "made", "last used", "revoked", box=None, padding=(0, 2, 0, 0))
    for key in keys:
        limit = key.requests_per_minute or call.settings.web.api_requests_per_minute
        cells = (
            str(key.id),
            key.name,
            " ".join(sorted(key.scopes)),
            str(limit),
            *map(_day, (key.created_at, key.used_at, key.revoked_at)),
        )
        table.add_row(*map(Text, cells))
    call.out.print(table)


@app.command("revoke")
def revoke(
    ctx: typer.Context, key_id: Annotated[int, typer.Argument(metavar="ID", help="As the list shows it.")]
) -> None:
    """End a key at once, also in a server that runs."""
    call = context(ctx)
    with call.wiring.open_store() as store:
        if not store.api_keys.revoke(key_id):
            fail(call, f"There is no key {key_id} that is in force; `burnish keys list` shows them.")
        store.audit.record(actor="cli", action="revoke key", detail=str(key_id))
    call.err.print(f"Key {key_id} opens nothing any more.")


def _day(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
