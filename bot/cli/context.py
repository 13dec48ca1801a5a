"""What every command needs: the settings, the folders, where to print."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from bot.config import Folders, Settings, folders, load_settings

OK = 0
FAILED = 1  # it could not be done; the sentence on stderr says why
FINDINGS = 4  # done, and something was found that needs a look
BAD_SETTING = 3
INTERRUPTED = 130

ProgressCallback = Callable[[int, int, str], None]  # done, total (0: unknown), label


@dataclass
class Context:
    """Built once per call; settings are read when first asked for, so that `--help` never fails on them."""

    environ: Mapping[str, str]
    file: Path | None
    out: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=False))
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    @cached_property
    def folders(self) -> Folders:
        """The home folder, the cache and the settings file."""
        return folders(self.environ, file=self.file)

    @cached_property
    def settings(self) -> Settings:
        """The settings in force."""
        return load_settings(self.environ, self.folders.file)

    def print_json(self, value: object) -> None:
        """Print a value for a script."""
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")

    @contextmanager
    def progress(self) -> Iterator[ProgressCallback]:
        """A bar on stderr, shown on a terminal; a new label starts a new bar."""
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=self.err,
            transient=True,
            disable=not self.err.is_terminal,
        )
        tasks: dict[str, Any] = {}
        with bar:

            def advance(done: int, total: int, label: str) -> None:
                if label not in tasks:
                    tasks[label] = bar.add_task(label, total=total or None)
                bar.update(tasks[label], completed=done, total=total or None)

            yield advance


def context(ctx: typer.Context) -> Context:
    """The call's Context."""
    found = ctx.obj
    if not isinstance(found, Context):
        raise TypeError(found)
    return found


def fail(ctx: Context, sentence: str, code: int = FAILED) -> NoReturn:
    """Say one sentence on stderr and leave."""
    ctx.err.print(sentence, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(code)
