"""What the web is given to work with; bot.wiring_web puts it together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adapters.types import Encoder
from bot.commands.knowledge import Documents
from bot.commands.learning import Learning
from bot.config import Settings
from bot.desk import Desk
from bot.frontends.base import Check
from bot.frontends.web.frontend import WebFrontend
from bot.handoff import Handoffs
from bot.service import Bot
from bot.store.store import Store
from bot.teaching import Teacher
from bot.telemetry import Telemetry
from bot.types import Answer
from bot.web.api.bots import Bots
from bot.web.metrics import Metrics
from bot.web.probes import Readiness


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What admins see of the machine that the program runs on."""

    file: Path  # the settings file; may be absent
    pictures: Path  # where the pictures of versions' reports lie
    examine: Callable[[], Awaitable[Sequence[Check]]]  # what `burnish doctor` does
    roles_changed: Callable[[], Awaitable[None]]  # has the platforms show people the commands of their roles


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """The program as the web sees it."""

    settings: Settings
    store: Store
    bot: Bot
    bots: Bots  # of the API
    desk: Desk
    learning: Learning
    documents: Documents
    teacher: Teacher
    encoder: Encoder  # blocks
    handoffs: Handoffs
    chat: WebFrontend
    rehearse: Callable[[str], Awaitable[Answer]]  # what would be answered to a question; nothing of it is kept
    installation: Installation
    facts: Callable[[], Mapping[str, int | str]]  # how the program is doing, without anybody's words
    metrics: Metrics = field(default_factory=Metrics)
    readiness: Readiness = field(default_factory=Readiness)
    telemetry: Telemetry | None = None
    tokens: Callable[[], Mapping[str, int]] = dict  # that the generators here read and wrote since the start
