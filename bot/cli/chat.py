"""`burnish chat` and `burnish ask`: talk to the bot in the terminal."""

from __future__ import annotations

import asyncio
import getpass
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from bot.cli.context import Context, context

if TYPE_CHECKING:
    from bot.frontends.readers import PipeReader, PromptReader

EXAMPLE_HINT = "Ask, for instance: How do I add a colleague to our team?"
EXAMPLE_OFFER = "The bot knows nothing yet. Load the example help centre of an invented company?"


def chat(ctx: typer.Context) -> None:
    """Talk to the bot in the terminal; also reads questions from a pipe, one a line."""
    from bot.frontends.readers import PipeReader, PromptReader
    from bot.frontends.terminal import PLATFORM, Person, Terminal
    from bot.wiring_serve import terminal_bot

    call = context(ctx)
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    _offer_example(call, interactive=interactive)
    with call.bar():
        bot, live = terminal_bot(call.wiring)
    person = Person(sender=_user(), name=_user())
    if interactive:
        call.out.print(Text.assemble((call.settings.bot.name, "bold"), " answers from your documents. /help, /quit"))
        reader: PromptReader | PipeReader = PromptReader(bot.typed_before(platform=PLATFORM, sender=person.sender))
    else:
        reader = PipeReader(sys.stdin)

    async def talk() -> None:
        live.start()
        try:
            terminal = Terminal(
                bot=bot, person=person, reader=reader, out=call.out, interactive=interactive, commands=True
            )
            await terminal.run()
        finally:
            await bot.aclose()

    asyncio.run(talk())


def ask(
    ctx: typer.Context,
    question: Annotated[str, typer.Argument(help="The question.")],
    as_json: Annotated[bool, typer.Option("--json", help="For a script: the answer with its whole trace.")] = False,
) -> None:
    """Ask one question and print the answer; nothing is kept of it."""
    from bot.frontends.terminal_view import show_answer_end
    from bot.one_shot import answer_as_dict
    from bot.wiring_live import ask as ask_bot

    if not question.strip():
        raise typer.BadParameter("the question is empty; put it in quotes after `burnish ask`")
    call = context(ctx)
    with call.bar():
        answer = ask_bot(call.wiring, question)
    if as_json:
        call.print_json(answer_as_dict(answer))
        return
    call.out.print(Text(answer.text), soft_wrap=not call.out.is_terminal)
    show_answer_end(call.out, answer)


def _offer_example(call: Context, *, interactive: bool) -> None:
    if not call.wiring.is_empty():
        return
    if not interactive or typer.confirm(EXAMPLE_OFFER, default=True):
        load_example(call)


def load_example(call: Context) -> None:
    """Take the example knowledge in where nothing is known yet."""
    if not call.wiring.is_empty():
        return
    call.err.print("The bot knows nothing yet: loading the example help centre of an invented company ...")
    with call.bar():
        report = call.wiring.ingest_example()
    call.err.print(f"Loaded {len(report.rows)} documents in {report.seconds:.0f} s. {EXAMPLE_HINT}", markup=False)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an id without a name, as in some containers
        return "somebody"
