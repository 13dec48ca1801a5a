"""Puts all commands together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.commands.answers import AboutAnswers
from bot.commands.knowledge import Documents, KnowledgeCommands
from bot.commands.learning import Learning, LearningCommands
from bot.commands.people import PeopleCommands
from bot.commands.runner import Commands
from bot.commands.status import Facts, StatusCommands
from bot.commands.teaching import Reports, Teaching
from bot.commands.users import ForEverybody
from bot.commands.web import WebCommands
from bot.config import Settings
from bot.curation import Curation
from bot.handoff import Handoffs
from bot.store.store import Store
from bot.teaching import Teacher
from knowledge.types import Encoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the commands work with."""

    store: Store
    settings: Settings
    handoffs: Handoffs
    teacher: Teacher
    encoder: Encoder
    documents: Documents
    facts: Facts  # for /status; see bot.commands.status.fact_name for names that have a text
    learning: Learning
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def all_commands(parts: Parts) -> Commands:
    """Every command of the registry."""
    store = parts.store
    curation = Curation(store, parts.teacher, parts.encoder)
    people = PeopleCommands(store, parts.now)
    learning = LearningCommands(parts.learning)
    counts: Counter[str] = Counter()  # shown by /status as well
    families = (
        ForEverybody(store, parts.settings, parts.handoffs, parts.learning.registry.mark_stale),
        WebCommands(store, parts.settings),
        AboutAnswers(store),
        Teaching(store, curation),
        Reports(store, curation, parts.now),
        KnowledgeCommands(store, parts.documents),
        people,
        learning,
        StatusCommands(store, facts=lambda: {**parts.facts(), **counts}, learning=learning.status_lines, now=parts.now),
    )
    runs = {name: run for family in families for name, run in family.runs.items()}
    return Commands(store=store, settings=parts.settings, runs=runs, misplaced=people.misplaced, counts=counts)
