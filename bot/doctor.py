"""`burnish doctor`: looks at everything that an answer needs, and says how to mend what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.blocking import run_blocking
from bot.doctor_server import address, disk, kept, memory, reachable
from bot.errors import BotError
from bot.frontends.base import Check
from bot.store.people import Person
from bot.types import Role

if TYPE_CHECKING:
    from bot.config import Settings
    from bot.wiring import Wiring


async def examine(wiring: Wiring) -> tuple[Check, ...]:
    """Look at the store, the documents, the people, the server, and each platform that is set up."""
    settings = wiring.settings
    checks = [*await run_blocking(lambda: list(_local(wiring))), *_team(settings)]
    checks += [await address(settings.serve.listen), *reachable(settings.serve.listen, settings.web)]
    checks += [disk(wiring.folders.home), memory()]
    platform, _, team = settings.serve.team.partition(":")
    if not settings.serves:
        sentence = "none is set up; see docs/telegram.md and docs/slack.md. `burnish chat` works without any"
        checks.append(Check(name="chat platforms", ok=None, sentence=sentence))
    if "telegram" in settings.serves:
        from bot.frontends.telegram.doctor import examine as examine_telegram

        checks += await examine_telegram(settings.telegram, team=team if platform == "telegram" else "")
    if "slack" in settings.serves:
        from bot.frontends.slack.doctor import examine as examine_slack

        checks += await examine_slack(settings.slack, team=team if platform == "slack" else "")
    return tuple(checks)


def _local(wiring: Wiring) -> Iterator[Check]:
    try:
        with wiring.open_store() as store:
            yield Check(name="store", ok=True, sentence=store.database.name)
            documents = store.knowledge.documents()
            yield _documents(len(documents))
            yield _owner(store.people.list())
            yield from kept(store, wiring.settings, datetime.now(UTC))
    except BotError as error:
        yield Check(name="store", ok=False, sentence=str(error))


def _documents(count: int) -> Check:
    if count:
        return Check(name="documents", ok=True, sentence=f"{count} to answer from")
    return Check(
        name="documents", ok=False, sentence="none: the bot can answer nothing. Take some in: burnish ingest FOLDER"
    )


def _owner(people: tuple[Person, ...]) -> Check:
    if any(person.role is Role.OWNER for person in people):
        return Check(name="owner", ok=True, sentence="somebody has claimed the bot")
    sentence = "nobody is yet: print a code with `burnish owner-code` and send it to the bot in a private chat"
    return Check(name="owner", ok=None, sentence=sentence)


def _team(settings: Settings) -> Iterator[Check]:
    platform = settings.serve.team.partition(":")[0]
    if not platform:
        sentence = 'nowhere: "Ask a human" is not offered. Name a channel with the setting serve.team'
        yield Check(name="team", ok=None, sentence=sentence)
    elif platform not in settings.serves:
        sentence = f"serve.team is on {platform}, which is not set up: questions for people would wait for ever"
        yield Check(name="team", ok=False, sentence=sentence)
    else:
        yield Check(name="team", ok=True, sentence=f"questions for people go to {settings.serve.team}")
