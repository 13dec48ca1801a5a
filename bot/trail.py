"""What people did with a role, or wanted to do without one, goes into the audit log.

Nobody's words go there: whoever is forgotten would not be forgotten in it. What was said, asked or written is named by
the number under which the store has it.
"""

from __future__ import annotations

from bot.blocking import run_blocking
from bot.frontends.base import Press
from bot.store.store import Store
from bot.types import Message


async def note(store: Store, what: Message | Press, action: str, detail: str) -> None:
    """Keep an entry.

    Args:
        store: Where the log lies.
        what: Said or pressed by whom, and where.
        action: "teach", "refused: claim".
        detail: What exactly, by number or by one of the program's own names.
    """
    await run_blocking(
        store.audit.record,
        actor=f"{what.platform}:{what.sender}",
        action=action,
        place=f"{what.platform}:{what.channel}",
        detail=detail,
    )
