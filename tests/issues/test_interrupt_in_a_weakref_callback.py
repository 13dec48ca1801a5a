"""Ctrl-C while a weak reference's callback runs was printed as a traceback, and the program went on."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys, weakref
from bot.__main__ import leave_if_interrupted

sys.unraisablehook = leave_if_interrupted

class Kept: pass

def interrupted(_):
    raise {error}

kept = Kept()
reference = weakref.ref(kept, interrupted)
del kept
print("went on")
"""


def _run(error: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(error=error)], capture_output=True, text=True, check=False, timeout=60
    )


def test_an_interrupt_in_a_callback_ends_the_program_quietly() -> None:
    ended = _run("KeyboardInterrupt")
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_another_error_in_a_callback_is_printed_as_ever() -> None:
    ended = _run("ValueError('odd')")
    assert (ended.returncode, ended.stdout) == (0, "went on\n")
    assert "ValueError: odd" in ended.stderr
