"""Commands about who may do what: claim, grant, revoke, audit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from bot.blocking import run_blocking
from bot.cards import safe
from bot.commands.base import ORDER, Call, Reply, Run, number_of, spelled, usage
from bot.store.errors import LastOwnerError
from bot.store.people import Person
from bot.store.store import Store
from bot.texts import say
from bot.types import Role

TRIES, TRIES_WITHIN = 5, timedelta(hours=1)  # of codes, by one person
AUDITED, MOST_AUDITED = 20, 100  # entries shown
DETAIL_CHARACTERS = 200  # of an entry

# as the audit log writes people and places; on the web an id may name another platform's
_ID = re.compile(r"\b(?:web:(?:slack|telegram):[\w-]+|web:[\w.-]+|(?:slack|telegram|console):[\w-]+)")
_WRONG_CODE = "refused: claim"  # as the runner writes it into the audit log


class PeopleCommands:
    """Roles, and the log of what those who have them did."""

    def __init__(self, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._now = now

    @property
    def runs(self) -> Mapping[str, Run]:
        """What carries out which command."""
        return {"claim": self.claim, "grant": self.grant, "revoke": self.revoke, "audit": self.audit}

    @property
    def misplaced(self) -> Mapping[str, Run]:
        """What is done when a command is given where it does not work."""
        return {"claim": self.burn}

    async def claim(self, call: Call) -> Reply:
        """Become owner with the code that the server printed."""
        language = call.language
        if call.person.role is Role.OWNER:  # as after a crash, too: the code was used up by this very message
            return Reply(text=say("claim-owner-already", language))
        if not call.arguments:
            return usage(call, "claim")
        message = call.stored.message
        tried = await run_blocking(
            self._store.audit.count,
            actor=f"{message.platform}:{message.sender}",
            action=_WRONG_CODE,
            since=self._now() - TRIES_WITHIN,
        )
        if tried >= TRIES:
            return Reply(text=say("claim-too-many", language), refused=True, did="too many wrong codes")
        if not await run_blocking(self._store.claims.claim, call.person.id, call.arguments):
            return Reply(text=say("claim-wrong", language), refused=True, did="wrong code")
        return Reply(text=say("claim-done", language, help=spelled(call, "help")), did="became owner by code")

    async def burn(self, call: Call) -> Reply:
        """Use up a code that was written where others can read it."""
        if not await run_blocking(self._store.claims.burn, call.arguments):
            return Reply(text="")
        return Reply(text=say("claim-burnt", call.language), did="the code was written where others read it")

    async def grant(self, call: Call) -> Reply:
        """Give the person who is mentioned or replied to a role."""
        named = [Role(word) for word in call.arguments.lower().split() if word in set(Role)]
        if len(named) != 1:
            return usage(call, "grant")
        return await self._change(call, named[0], "grant")

    async def revoke(self, call: Call) -> Reply:
        """Make the person who is mentioned or replied to an ordinary user again."""
        return await self._change(call, Role.USER, "revoke")

    async def _change(self, call: Call, role: Role, command: str) -> Reply:
        whom = await self._whom(call)
        if whom is None:
            return usage(call, command)
        name = f"{whom.platform}:{whom.platform_user_id}"
        detail = f"{role} to {name}" if command == "grant" else f"{whom.role} of {name}"
        if (sentence := forbidden(call.person, whom, role)) is not None:
            return Reply(text=say(sentence, call.language), refused=True, did=detail)
        try:
            await run_blocking(self._store.people.set_role, whom.id, role)
        except LastOwnerError:
            return Reply(text=say("grant-last-owner", call.language), refused=True, did=detail)
        shown = safe(whom.name) or f"`{whom.platform_user_id}`"
        text = say("granted", call.language, name=shown, role=say(f"role-{role}", call.language))
        return Reply(text=text, did=detail)

    async def _whom(self, call: Call) -> Person | None:
        """The one person whom the platform says was meant: never an id that was typed."""
        message = call.stored.message
        named = dict.fromkeys(message.origin.mentions)
        if not named and message.origin.reply_to_sender:
            named = {message.origin.reply_to_sender: None}
        if len(named) != 1:
            return None
        return await run_blocking(self._store.people.meet, message.platform, next(iter(named)))

    async def audit(self, call: Call) -> Reply:
        """Show the newest entries of the audit log."""
        limit = min(number_of(call.arguments) or AUDITED, MOST_AUDITED)
        entries = await run_blocking(self._store.audit.tail, limit)
        if not entries:
            return Reply(text=say("audit-empty", call.language))
        people = await run_blocking(self._store.people.list)
        names = {f"{one.platform}:{one.platform_user_id}": one.name for one in people if one.name}
        lines = (
            f"- {entry.at:%Y-%m-%d %H:%M} · {safe(named(entry.actor, names))} · **{safe(entry.action)}** · "
            f"{safe(named(entry.place, names))}{_detail(named(entry.detail, names))}"
            for entry in reversed(entries)
        )
        return Reply(text="\n".join([f"**{say('audit-title', call.language)}**", *lines]))


def forbidden(who: Person, whom: Person, role: Role) -> str | None:
    """Why somebody may not give somebody a role; None if they may."""
    mine, theirs, new = ORDER.index(who.role), ORDER.index(whom.role), ORDER.index(role)
    if new >= mine:
        return "grant-too-high"  # ownership comes with a code alone
    if theirs >= mine and who.role is not Role.OWNER:
        return "grant-above-you"
    return None


def named(text: str, names: Mapping[str, str]) -> str:
    """A text in which the name of a person stands before their id; those who were forgotten have none."""
    return _ID.sub(lambda one: f"{names[one[0]]} ({one[0]})" if one[0] in names else one[0], text)


def _detail(detail: str) -> str:
    if not detail:
        return ""
    text = " ".join(detail.split())
    return f" · {safe(text if len(text) <= DETAIL_CHARACTERS else f'{text[:DETAIL_CHARACTERS]}…')}"
