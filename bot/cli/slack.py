"""`burnish slack`: what Slack has to be told."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bot.cli.context import context, fail

app = typer.Typer(name="slack", help="Set up Slack; docs/slack.md shows the way.", no_args_is_help=True)


@app.callback()
def slack() -> None:
    """Set up Slack."""


@app.command("manifest")
def manifest(
    ctx: typer.Context,
    http: Annotated[
        str,
        typer.Option(
            "--http", metavar="URL", help="Public https address that leads to slack.listen; without it Socket Mode."
        ),
    ] = "",
) -> None:
    """Print the app manifest to paste at api.slack.com/apps > Create New App > From a manifest."""
    from bot.frontends.slack.manifest import as_yaml, manifest  # brings Slack's libraries along

    call = context(ctx)
    if http and not http.startswith("https://"):
        fail(call, f"--http {http}: Slack calls https:// addresses only, such as https://bot.example.com.")
    sys.stdout.write(as_yaml(manifest(name=call.settings.bot.name, url=http)))
