"""Where log lines go: one JSON object a line in a rotating file under the home folder, never to the terminal.

Every line of ours has an action. No line holds a person's text: errors are logged by type and place, and libraries
only from warnings on, their exceptions without what these say. Whatever is logged on account of one request or event
carries the same `request_id`, and on account of one message its `message_id`.
"""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar

from pythonjsonlogger.json import JsonFormatter

OURS = ("bot", "knowledge", "adapters", "training")
MAX_BYTES = 5_000_000
KEPT = 3
FIELDS = "%(asctime)s %(levelname)s %(name)s %(message)s"
REQUEST_ID: Final = "request_id"

P = ParamSpec("P")
R = TypeVar("R")
_ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)  # as logging has it

_ABOUT: ContextVar[Mapping[str, str | int]] = ContextVar("about", default=MappingProxyType({}))


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
    handler.setFormatter(_Wordless(FIELDS, rename_fields={"asctime": "time", "levelname": "level", "name": "logger"}))
    handler.addFilter(_is_wanted)
    handler.addFilter(_with_context)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    return handler


@contextmanager
def about(**fields: str | int) -> Iterator[None]:
    """Have every line that is logged within carry these fields, also from threads and tasks that begin within."""
    token = _ABOUT.set({**_ABOUT.get(), **fields})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def new_request_id() -> str:
    """An id that no other request has."""
    return secrets.token_hex(8)


def one_event(handle: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Give whatever is logged while an event is handled a request id of its own, unless it has one already."""

    @wraps(handle)
    async def handled(*args: P.args, **kwargs: P.kwargs) -> R:
        if REQUEST_ID in _ABOUT.get():
            return await handle(*args, **kwargs)
        with about(**{REQUEST_ID: new_request_id()}):
            return await handle(*args, **kwargs)

    return handled


def where(error: BaseException) -> dict[str, str]:
    """What a log may say of an error: its type and the last frame, never its text, which may quote a person."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "unknown"
    return {"error": type(error).__name__, "place": place}


class _Wordless(JsonFormatter):
    """Writes of an exception its type and where it came from, but not what it says."""

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - logging's own name
        kind, _, trace = ei
        return "".join([*traceback.format_tb(trace), kind.__name__ if kind is not None else ""])


def _is_wanted(record: logging.LogRecord) -> bool:
    """Ours, or a warning; the root's level alone does not stop a library that sets a lower one for itself (bm25s)."""
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] in OURS


def _with_context(record: logging.LogRecord) -> bool:
    for name, value in _ABOUT.get().items():
        if not hasattr(record, name):
            setattr(record, name, value)
    return True
