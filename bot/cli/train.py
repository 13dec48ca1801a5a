"""`burnish train`: train what ships with the program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from bot.cli.context import Context, context

if TYPE_CHECKING:
    from bot.wiring import GeneratorEpoch

app = typer.Typer(help="Train adapters.", no_args_is_help=True)


@app.callback()
def root() -> None:
    """Train adapters."""


@app.command("base-adapter")
def base_adapter(
    ctx: typer.Context,
    data: Annotated[Path, typer.Option(help="Folder that holds the sets, such as squad2_en/.")],
    output: Annotated[Path, typer.Option(help="New folder for the adapter.")] = Path("base-adapter"),
    epochs: Annotated[int, typer.Option(min=1, max=100, help="Passes over the questions.")] = 3,
    rank: Annotated[int, typer.Option(min=1, max=256, help="Rank of the LoRA.")] = 8,
    learning_rate: Annotated[float, typer.Option(min=1e-7, max=0.1, help="AdamW's learning rate.")] = 5e-4,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same adapter on the same machine.")] = 0,
) -> None:
    """Train the generator's base adapter from scratch: grounded answers, and telling what the passages do not hold.

    It takes an hour or more on a CPU. The finished folder can be given to `burnish versions add`.
    """
    call = context(ctx)
    call.out.print(Text("epoch   train loss   head loss   dev loss   dev AUROC   minutes", style="dim"))
    chosen = {"epochs": epochs, "rank": rank, "alpha": 2 * rank, "learning_rate": learning_rate, "seed": seed}
    with call.bar():
        made = call.wiring.train_base_adapter(data, output, chosen, on_epoch=lambda report: _show_epoch(call, report))
    call.out.print(
        Text(
            f"{made.folder}: held-out articles: loss {made.held_out_loss:.3f}, answerability AUROC "
            f"{made.held_out_auroc:.3f}; {made.seconds / 60:.0f} min"
        )
    )


def _show_epoch(call: Context, report: GeneratorEpoch) -> None:
    call.out.print(
        f"{report.epoch:5d} {report.train_loss:12.4f} {report.head_loss:11.4f} {report.dev_loss:10.4f} "
        f"{report.dev_auroc:11.3f} {report.seconds / 60:9.1f}"
    )
