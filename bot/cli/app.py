"""The console program `burnish`."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from adapters.errors import AdapterError
from bot.cli import (
    chat,
    config,
    intents,
    keys,
    knowledge,
    models,
    owner,
    people,
    schedule,
    serve,
    slack,
    store,
    train,
    versions,
)
from bot.cli.context import BAD_SETTING, FAILED, INTERRUPTED, Context
from bot.cli.eval import evaluate
from bot.config import ConfigError
from bot.errors import BotError
from knowledge.errors import KnowledgeError
from training.errors import TrainingError

EPILOG = (
    "Exit codes: 0 done; 1 it could not be done (one sentence says why); 2 wrong usage; 3 a setting is wrong; "
    "4 done, and something needs a look; 130 interrupted."
)

app = typer.Typer(
    name="burnish",
    help="A self-hosted support bot that answers from your documents, with sources, on your own server.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(value: bool) -> None:  # noqa: FBT001 - typer's callback signature
    if value:
        sys.stdout.write(f"burnish {version('burnish')}\n")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Settings file; default burnish.toml at home.")
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Settle what every command needs."""
    ctx.obj = Context(environ=os.environ, file=file)


app.command("chat")(chat.chat)
app.command("ask")(chat.ask)
app.command("serve")(serve.serve)
app.command("doctor")(serve.doctor)
app.command("owner-code")(owner.owner_code)
app.command("login")(people.login)
app.add_typer(people.app, name="people")
app.add_typer(keys.app, name="keys")
app.command("ingest")(knowledge.ingest)
app.add_typer(knowledge.app, name="knowledge")
app.add_typer(intents.app, name="intents")
app.add_typer(models.app, name="models")
app.add_typer(train.app, name="train")
app.command("eval")(evaluate)
app.command("train-worker", hidden=True)(train.worker)
app.add_typer(versions.app, name="versions")
app.add_typer(schedule.app, name="schedule")
app.add_typer(store.app, name="store")
app.add_typer(slack.app, name="slack")
app.add_typer(config.app, name="config")


def main() -> None:
    """Run the program; a known error is one sentence on stderr, never a traceback."""
    try:
        app()
    except ConfigError as error:
        _leave(error, BAD_SETTING)
    except (BotError, KnowledgeError, AdapterError, TrainingError) as error:
        _leave(error, FAILED)
    except BrokenPipeError:  # the reader of our output has gone, as in `burnish knowledge list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted.\n")
        sys.stdout.flush()
        sys.stderr.flush()
        # Not sys.exit: a model that is being loaded in a thread can abort the interpreter while it ends.
        os._exit(INTERRUPTED)


def _leave(error: Exception, code: int) -> None:
    Console(stderr=True, highlight=False).print(str(error), style="red", markup=False, soft_wrap=True)
    sys.exit(code)
