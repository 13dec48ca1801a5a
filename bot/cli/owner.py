"""`burnish owner-code`: the code by which somebody in chat becomes the owner."""

from __future__ import annotations

import typer
from rich.text import Text

from bot.cli.context import context


def owner_code(ctx: typer.Context) -> None:
    """Print a one-time code; who sends /claim CODE to the bot in a direct chat within an hour becomes its owner.

    A new code replaces the one before. Only a salted hash of it is kept.
    """
    call = context(ctx)
    with call.wiring.open_store() as store:
        code = store.claims.issue()
        store.audit.record(actor="cli", action="owner-code", detail="a new code was printed")
    call.out.print(Text(code, style="bold"))
    call.err.print(
        "Send this to the bot in a direct chat within an hour: "
        f"/claim {code} (in Slack: /burnish claim {code}). It works once.",
        style="dim",
        markup=False,
        soft_wrap=True,
    )
