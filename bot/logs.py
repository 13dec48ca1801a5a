"""Where log lines go: one JSON object a line in a rotating file under the home folder, never to the terminal.

Every line of ours has an action. No line holds a person's text: errors are logged by type and place, and libraries
only from warnings on.
"""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from pythonjsonlogger.json import JsonFormatter

OURS = ("bot", "knowledge", "adapters", "training")
MAX_BYTES = 5_000_000
KEPT = 3
FIELDS = "%(asctime)s %(levelname)s %(name)s %(message)s"


def log_to(folder: Path) -> logging.Handler:
    """Send log lines to a file in a folder.

    Args:
        folder: Made if it is missing, readable by its owner only.

    Returns:
        The handler, for whoever wants to take it off again.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = RotatingFileHandler(
        folder / "burnish.log", maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8", delay=True
    )
    handler.setFormatter(
        JsonFormatter(FIELDS, rename_fields={"asctime": "time", "levelname": "level", "name": "logger"})
    )
    handler.addFilter(_is_wanted)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    return handler


def _is_wanted(record: logging.LogRecord) -> bool:
    """Ours, or a warning; the root's level alone does not stop a library that sets a lower one for itself (bm25s)."""
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] in OURS
