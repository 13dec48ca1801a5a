"""`burnish serve` and `burnish doctor`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from bot.cli.context import FINDINGS, Context, context, fail
from bot.config import ConfigError, Settings, load_settings

NOTHING_TO_SERVE = (
    "No chat platform is set up: give a token in TELEGRAM_BOT_TOKEN, or SLACK_BOT_TOKEN and SLACK_APP_TOKEN "
    "(docs/telegram.md and docs/slack.md show how to get one). `burnish chat` works without any."
)


def serve(ctx: typer.Context) -> None:
    """Answer on Telegram and Slack, whichever are set up, until stopped (SIGTERM or Ctrl-C)."""
    call = context(ctx)
    if not call.settings.serves:
        fail(call, NOTHING_TO_SERVE)
    asyncio.run(_serve(call))


async def _serve(call: Context) -> None:
    """Serve with one set of settings after the other, as SIGHUP asks for."""
    from bot.serve import Ending, Server, on_signals
    from bot.wiring_serve import Serving

    def say(line: str) -> None:
        call.err.print(line, markup=False, soft_wrap=True)

    serving = Serving(call.wiring, say=say)
    server: Server | None = None
    told: list[Ending] = []

    def end(ending: Ending) -> None:
        told.append(ending)
        if server is not None:
            server.end(ending)

    on_signals(lambda: end(Ending.STOP), lambda: end(Ending.RELOAD))
    try:
        while Ending.STOP not in told:
            told.clear()
            with call.bar():
                parts = await serving.parts()
            server = Server(parts, say=say)
            if Ending.STOP in told:  # told so while the models were being loaded
                break
            if await server.run() is Ending.RELOAD:
                await serving.use(_settings_again(call, serving.settings))
    finally:
        await serving.aclose()


def _settings_again(call: Context, before: Settings) -> Settings:
    """The settings as they are now; unsound ones are named, and the old ones stay."""
    try:
        now = load_settings(call.environ, call.folders.file)
    except ConfigError as error:
        call.err.print(f"The settings were not taken: {error}", style="red", markup=False)
        return before
    if not now.serves:
        call.err.print(f"The settings were not taken: {NOTHING_TO_SERVE}", style="red", markup=False)
        return before
    call.err.print("The settings were read again.")
    return now


def doctor(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="For a script.")] = False,
) -> None:
    """Check the set-up and say how to mend what is wrong."""
    from bot.doctor import examine

    call = context(ctx)
    with call.bar():
        checks = asyncio.run(examine(call.wiring))
    if as_json:
        call.print_json([{"name": one.name, "ok": one.ok, "sentence": one.sentence} for one in checks])
    else:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for one in checks:
            mark = {True: Text("ok", style="green"), False: Text("MEND", style="bold red"), None: Text("note")}[one.ok]
            table.add_row(mark, Text(one.name, style="bold"), Text(one.sentence))
        call.out.print(table)
    if any(one.ok is False for one in checks):
        raise typer.Exit(FINDINGS)
