"""`burnish intents`: train and measure how messages are sorted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from bot.cli.context import Context, context

if TYPE_CHECKING:
    from bot.wiring import ClassifierTraining, EpochReport, IntentReport

app = typer.Typer(help="Train and measure how messages are sorted.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="Intents (TOML), or rows of text and label (CSV, JSONL).")]


@app.command()
def train(
    ctx: typer.Context,
    file: File,
    epochs: Annotated[int, typer.Option(help="Passes over the rows at most.")] = 100,
    learning_rate: Annotated[float, typer.Option(help="AdamW's learning rate.")] = 0.02,
    weight_decay: Annotated[float, typer.Option(help="AdamW's weight decay.")] = 0.01,
    dropout: Annotated[float, typer.Option(help="Share of the embedding left out of a step.")] = 0.1,
    patience: Annotated[int, typer.Option(help="Epochs without a better dev loss before it stops.")] = 5,
    seed: Annotated[int, typer.Option(help="The same seed gives the same head.")] = 0,
    builtin: Annotated[bool, typer.Option(help="Train on the built-in intents' examples too.")] = True,
    plot: Annotated[Path | None, typer.Option(help="Write the loss curve to this PNG file.")] = None,
    tune_encoder: Annotated[
        bool, typer.Option("--tune-encoder", help="Tune a copy of the encoder too: more accurate, minutes to an hour.")
    ] = False,
    tune_epochs: Annotated[int, typer.Option(min=1, max=100, help="Passes over the rows while tuning.")] = 3,
    refit: Annotated[
        bool, typer.Option("--refit", help="Keep the tuned encoder and the words there are; after a few new rows.")
    ] = False,
) -> None:
    """Train the intent head on a file of examples; the bot uses it from its next start on.

    A layer over the words serves beside the head where it makes the dev rows likelier. Rows are split into train, dev
    and test by a hash of their text, so a row never changes sides.
    """
    if tune_encoder and refit:
        raise typer.BadParameter("--tune-encoder trains an encoder and --refit keeps the one there is; give one.")
    call = context(ctx)
    dropped = call.wiring.has_tuned_intents and not (tune_encoder or refit)
    _show_heading(call)
    chosen = {
        "epochs": epochs,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "dropout": dropout,
        "patience": patience,
        "seed": seed,
    }
    with call.bar():
        training = call.wiring_alone.train_intents(
            file,
            chosen,
            builtin=builtin,
            plot=plot,
            on_epoch=lambda report: _show_epoch(call, report),
            tune={"epochs": tune_epochs, "seed": seed} if tune_encoder else None,
            on_tuned_epoch=lambda report: _show_tuned_epoch(call, report),
            refit=refit,
        )
    _show_training(call, training)
    if dropped:
        call.out.print(
            "The tuned encoder that served before is left out; --refit keeps one, --tune-encoder trains one.",
            style="yellow",
        )
    if plot is not None:
        call.out.print(Text(f"loss curve: {plot}"))


def _show_training(call: Context, training: ClassifierTraining) -> None:
    """What each part reached, and what serves: the last."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("what serves is the last" if len(training.parts) > 1 else "", overflow="fold")
    for name in ("dev accuracy", "calibration error", "ms a query"):
        table.add_column(name, justify="right")
    for part in training.parts:
        table.add_row(
            Text(part.parts),
            f"{part.dev_accuracy:.3f}",
            f"{part.dev_calibration_error:.3f}",
            f"{part.milliseconds:.1f}",
        )
    call.out.print(table)
    if training.words_weight == 0:
        call.out.print("Words are left out: they do not make the dev rows likelier.", style="dim")
    head = training.head
    rows = ", ".join(f"{count} {split.value}" for split, count in head.rows.items())
    call.out.print(
        Text(
            f"{training.classifier.name}: best epoch {head.best_epoch}, dev accuracy "
            f"{training.parts[-1].dev_accuracy:.3f}, calibration error "
            f"{training.parts[-1].dev_calibration_error:.3f}; rows: {rows}; {training.seconds:.1f} s"
        )
    )


def _show_heading(call: Context) -> None:
    call.out.print(Text("epoch   train loss   dev loss   dev accuracy", style="dim"))


def _show_tuned_epoch(call: Context, report: EpochReport) -> None:
    if report.epoch == 1:
        call.out.print(Text("tuning the encoder", style="dim"))
        _show_heading(call)
    _show_epoch(call, report)


def _show_epoch(call: Context, report: EpochReport) -> None:
    mark = " *" if report.best else ""
    call.out.print(
        f"{report.epoch:5d} {report.train_loss:12.4f} {report.dev_loss:10.4f} {report.dev_accuracy:14.3f}{mark}"
    )


@app.command("eval")
def evaluate(
    ctx: typer.Context,
    file: File,
    picture: Annotated[Path, typer.Option(help="Where the confusion matrix goes.")] = Path("confusion.png"),
    every_row: Annotated[
        bool, typer.Option("--all", help="Measure on all rows, for a file that was not trained on.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the bootstrap resamples.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="For a script.")] = False,
) -> None:
    """Measure the intent head on the test side of a file: precision, recall and F1 of each intent."""
    call = context(ctx)
    with call.bar():
        report = call.wiring_alone.evaluate_intents(file, every_row=every_row, seed=seed, picture=picture)
    if as_json:
        call.print_json(_as_dict(report, picture))
    else:
        _show_report(call, report, picture)


def _show_report(call: Context, report: IntentReport, picture: Path) -> None:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("intent", overflow="fold")
    for name in ("precision", "recall", "F1", "rows"):
        table.add_column(name, justify="right")
    for one in report.classes:
        if one.support:
            table.add_row(
                Text(one.label), f"{one.precision:.3f}", f"{one.recall:.3f}", f"{one.f1:.3f}", str(one.support)
            )
    call.out.print(table)
    accuracy = report.accuracy
    auroc = report.out_of_scope_auroc
    call.out.print(
        Text(
            f"{report.head}: accuracy {accuracy.value:.3f} (95 % {accuracy.low:.3f} to {accuracy.high:.3f}, "
            f"n = {report.rows}), macro F1 {report.macro_f1:.3f}, calibration error {report.calibration_error:.3f}"
            + (f", out-of-scope AUROC {auroc:.3f}" if auroc is not None else "")
        )
    )
    if absent := sum(not one.support for one in report.classes):
        call.out.print(f"{absent} intents have no rows among these.", style="dim")
    call.out.print(Text(f"confusion matrix: {picture}"))


def _as_dict(report: IntentReport, picture: Path) -> dict[str, object]:
    return {
        "head": report.head,
        "rows": report.rows,
        "accuracy": report.accuracy.value,
        "accuracy_95": [report.accuracy.low, report.accuracy.high],
        "macro_f1": report.macro_f1,
        "calibration_error": report.calibration_error,
        "out_of_scope_auroc": report.out_of_scope_auroc,
        "intents": [
            {"label": c.label, "precision": c.precision, "recall": c.recall, "f1": c.f1, "rows": c.support}
            for c in report.classes
        ],
        "confusion": str(picture),
    }
