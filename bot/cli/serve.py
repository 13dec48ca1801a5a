"""`burnish serve` and `burnish doctor`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from adapters.errors import AdapterError
from bot.cli.chat import load_example
from bot.cli.context import BAD_SETTING, FINDINGS, Context, context, fail
from bot.cli.people import local_link
from bot.config import ConfigError, Settings, load_settings
from bot.errors import BotError
from bot.web.settings import is_exposed
from knowledge.errors import KnowledgeError

if TYPE_CHECKING:
    from bot.serve import Server

NO_PLATFORM = (
    "No chat platform is set up; docs/telegram.md and docs/slack.md show how to get a token for TELEGRAM_BOT_TOKEN, or "
    "SLACK_BOT_TOKEN and SLACK_APP_TOKEN."
)
OPEN_TO_ALL = (
    'Others than this machine could reach the chat page (serve.listen or web.public_url): set web.access = "login", so '
    "that it is known who asks, or keep to 127.0.0.1."
)


def serve(
    ctx: typer.Context,
    example: Annotated[
        bool, typer.Option("--example", help="Where nothing is known yet, begin with the example knowledge.")
    ] = False,
) -> None:
    """Serve the chat page, the dashboard and the API, and answer on Telegram and Slack where they are set up.

    It goes on until it is stopped (SIGTERM or Ctrl-C).
    """
    call = context(ctx)
    if is_exposed(call.settings.serve.listen, call.settings.web) and call.settings.web.access == "open":
        fail(call, OPEN_TO_ALL, BAD_SETTING)
    if example:
        load_example(call)
    if not call.settings.serves:
        call.err.print(NO_PLATFORM, style="dim", markup=False, soft_wrap=True)
    asyncio.run(_Serve(call).run())


class _Serve:
    """Serves with one set of settings after the other, as SIGHUP asks for."""

    def __init__(self, call: Context) -> None:
        from bot.wiring_serve import Serving

        self._call = call
        # a link that opens the dashboard is for a person to see, never for a log
        seen = call.err.is_terminal
        self._serving = Serving(call.wiring, say=self._say, invite=local_link if seen else lambda _: "")
        self._server: Server | None = None
        self._stopped = False
        self._settings = self._serving.settings  # to serve with from the next round on
        self._sound: Settings | None = None  # the last that served

    async def run(self) -> None:
        from bot.serve import on_signals

        on_signals(self._stop, self._reload)
        try:
            while not self._stopped:
                tried = self._settings
                try:
                    await self._round()
                except (BotError, KnowledgeError, AdapterError) as error:
                    self._go_back(tried, error)
                else:
                    self._sound = tried
        finally:
            await self._serving.aclose()

    async def _round(self) -> None:
        from bot.serve import Server

        if self._settings is not self._serving.settings:
            await self._serving.use(self._settings)
        with self._call.bar():
            parts = await self._serving.parts()
        if self._is_over():  # told so while the models were being loaded
            return
        self._server = Server(parts, say=self._say)
        await self._server.run()

    def _go_back(self, tried: Settings, error: Exception) -> None:
        """Serve with the settings before those that do not work; the error is raised where there are none."""
        if self._sound is None or self._sound is tried:
            raise error
        self._call.err.print(
            f"The settings were not taken: {error} Those from before are in force again.",
            style="red",
            markup=False,
            soft_wrap=True,
        )
        if self._settings is tried:  # else others have been read meanwhile, and are tried next
            self._settings = self._sound

    def _is_over(self) -> bool:
        return self._stopped or self._settings is not self._serving.settings

    def _stop(self) -> None:
        self._stopped = True
        if self._server is not None:
            self._server.end()

    def _reload(self) -> None:
        self._settings = _settings_again(self._call, self._settings)
        if self._is_over() and self._server is not None:
            self._server.end()

    def _say(self, line: str) -> None:
        self._call.err.print(line, markup=False, soft_wrap=True)


def _settings_again(call: Context, before: Settings) -> Settings:
    """The settings as they are now; unsound ones are named, and the old ones stay."""
    try:
        now = load_settings(call.environ, call.folders.file)
    except ConfigError as error:
        call.err.print(f"The settings were not taken: {error}", style="red", markup=False)
        return before
    if is_exposed(now.serve.listen, now.web) and now.web.access == "open":
        call.err.print(f"The settings were not taken: {OPEN_TO_ALL}", style="red", markup=False)
        return before
    call.err.print("The settings were read again.")
    return before if now == before else now


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
