"""What the web is given to work with; bot.wiring_web puts it together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from adapters.types import Encoder
from bot.commands.knowledge import Documents
from bot.commands.learning import Learning
from bot.config import Settings
from bot.desk import Desk
from bot.service import Bot
from bot.store.store import Store
from bot.teaching import Teacher


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """The program as the web sees it."""

    settings: Settings
    store: Store
    bot: Bot
    desk: Desk
    learning: Learning
    documents: Documents
    teacher: Teacher
    encoder: Encoder  # blocks
    facts: Callable[[], Mapping[str, int | str]]  # how the program is doing, without anybody's words
