"""`python -m bot` is `burnish`."""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130


def main() -> None:
    """Run the program; an interrupt while it is still being imported ends it as quietly as a later one."""
    sys.unraisablehook = leave_if_interrupted
    try:
        from bot.cli.app import main as run

        run()
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)
    except SystemExit as end:
        if end.code != INTERRUPTED:
            raise
        # The interpreter's own end would kill itself with SIGINT where the interrupt came within an exec(), as in the
        # making of a dataclass while a module is imported.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)


def leave_if_interrupted(problem: sys.UnraisableHookArgs) -> None:
    """End at an interrupt that came inside a destructor or a weak reference's callback.

    There the interpreter prints the exception and goes on: the person's Ctrl-C would do nothing but show a traceback.
    """
    if issubclass(problem.exc_type, KeyboardInterrupt):
        os._exit(INTERRUPTED)
    sys.__unraisablehook__(problem)


if __name__ == "__main__":
    main()
