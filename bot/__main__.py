"""`python -m bot` is `burnish`."""

from __future__ import annotations

import os

INTERRUPTED = 130


def main() -> None:
    """Run the program; an interrupt while it is still being imported ends it as quietly as a later one."""
    try:
        from bot.cli.app import main as run

        run()
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
