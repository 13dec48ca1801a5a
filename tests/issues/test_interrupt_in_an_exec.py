"""Ctrl-C while a dataclass was being made, which runs an exec(), ended the program by a signal instead of with 130."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# What typer makes of an interrupt is an exit with 130. Run with -m as the program is: only then does it happen.
PROGRAM = """
import sys
import bot.cli.app
from bot.__main__ import main

def interrupted():
    try:
        exec("raise KeyboardInterrupt")
    except KeyboardInterrupt:
        print("last words")
        sys.exit(130)

bot.cli.app.main = interrupted
main()
"""


def test_an_interrupt_within_an_exec_ends_the_program_with_130_and_all_that_was_printed(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(PROGRAM, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "interrupted"], capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "last words\n", "")
