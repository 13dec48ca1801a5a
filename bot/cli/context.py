"""What every command needs: the settings, the folders, where to print."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

import rich.progress
import typer
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from bot.config import Folders, Settings, folders, load_settings

if TYPE_CHECKING:
    from bot.wiring import Wiring

FAILED = 1  # it could not be done; the sentence on stderr says why
FINDINGS = 4  # done, and something was found that needs a look
BAD_SETTING = 3
INTERRUPTED = 130

PIPE_WIDTH = 160  # characters of a line that goes to a file or another program
LABEL = 48  # characters of what is being done that fit beside a bar


@dataclass
class Context:
    """Built once per call; settings are read when first asked for, so that `--help` never fails on them."""

    environ: Mapping[str, str]
    file: Path | None
    out: Console = field(default_factory=lambda: _console(sys.stdout))
    err: Console = field(default_factory=lambda: _console(sys.stderr))
    _bar: rich.progress.Progress | None = None
    _task: rich.progress.TaskID | None = None

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

    @cached_property
    def wiring(self) -> Wiring:
        """The program's parts; what they report is shown while a `bar` is open."""
        from bot.wiring import Wiring  # brings the whole program along

        return Wiring(self.settings, self.folders, self._report)

    @cached_property
    def wiring_alone(self) -> Wiring:
        """The same for work during which this program answers nobody."""
        return replace(self.wiring, alone=True)

    @contextmanager
    def bar(self) -> Iterator[None]:
        """Show what goes on, on stderr, if that is a terminal."""
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with rich.progress.Progress(
            *columns, console=self.err, transient=True, disable=not self.err.is_terminal
        ) as self._bar:
            self._task = self._bar.add_task("", total=None, visible=False)
            try:
                yield
            finally:
                self._task = None

    def _report(self, done: int, total: int, label: str) -> None:
        if self._bar is not None and self._task is not None:
            if not total and self._bar.tasks[-1].total is not None:
                # rich cannot take a total back: without a new task the last one's would stand beside the new label.
                self._bar.remove_task(self._task)
                self._task = self._bar.add_task("", total=None)
            shown = min(done, total) if total else done
            self._bar.update(self._task, description=_short(label), completed=shown, total=total or None, visible=True)


def _console(stream: TextIO) -> Console:
    """A console as wide as the terminal; wide enough for a line of a table where there is none."""
    console = Console(file=stream, highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, PIPE_WIDTH)
    return console


def _short(label: str) -> str:
    return label if len(label) <= LABEL else f"...{label[-LABEL + 3 :]}"


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
