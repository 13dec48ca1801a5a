"""`burnish intents`: train and measure the intent head."""

from __future__ import annotations

import typer

app = typer.Typer(help="Train and measure how messages are sorted.", no_args_is_help=True)
