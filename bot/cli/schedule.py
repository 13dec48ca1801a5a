"""`burnish schedule`: when training begins by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.context import Context, context
from bot.texts import FALLBACK

if TYPE_CHECKING:
    from bot.learning.loop import LearningLoop

app = typer.Typer(help="See and set when training begins by itself.", no_args_is_help=True)


@app.command()
def show(ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="For a script.")] = False) -> None:
    """Show when training begins by itself."""
    from bot.commands.learning import schedule_lines

    call = context(ctx)
    state = _with_loop(call, lambda loop: loop.state())
    if as_json:
        call.print_json({"plan": state.plan, "next": state.next_run, "paused": state.paused})
        return
    for line in schedule_lines(state, call.settings.learning, FALLBACK, resume="`burnish schedule resume`"):
        call.out.print(line, markup=False)


@app.command("set")
def set_(
    ctx: typer.Context,
    plan: Annotated[list[str], typer.Argument(help="daily 03:00, weekly sun 03:00, or after 50 ratings.")],
) -> None:
    """Let training begin by itself; the bot that serves follows within seconds."""
    from bot.commands.learning import plan_line

    call = context(ctx)
    kept = _with_loop(call, lambda loop: loop.schedule(" ".join(plan)))
    call.out.print(plan_line("schedule-is", kept, call.settings.learning, FALLBACK), markup=False)


@app.command()
def off(ctx: typer.Context) -> None:
    """Let no training begin by itself."""
    call = context(ctx)
    _with_loop(call, lambda loop: loop.schedule("off"))
    call.out.print("No training begins by itself, but for one where somebody had themselves forgotten.")


@app.command()
def pause(ctx: typer.Context) -> None:
    """Train nothing until `resume`."""
    _with_loop(context(ctx), lambda loop: loop.pause())
    context(ctx).out.print("Learning is paused; burnish schedule resume lets it go on.")


@app.command()
def resume(ctx: typer.Context) -> None:
    """Train again."""
    _with_loop(context(ctx), lambda loop: loop.resume())
    context(ctx).out.print("Learning goes on.")


def _with_loop(call: Context, act: Callable[[LearningLoop], Coroutine[Any, Any, Any]]) -> Any:  # noqa: ANN401 - whatever it gives
    from bot.wiring_learning import learning_side, searching

    with call.wiring.open_store() as store:
        side = learning_side(call.wiring, store, search=searching(call.wiring, store))
        return asyncio.run(act(side.loop))
