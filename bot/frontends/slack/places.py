"""Where something is in Slack (pure)."""

from __future__ import annotations

from bot.frontends.base import Target
from bot.types import Place


def thread_of(target: Target) -> str | None:
    """The thread's root; a reply to a message opens its thread, as with what is passed on to people."""
    if target.thread:
        return target.thread
    return target.reply_to or None if target.place is Place.THREAD else None


def is_direct(channel: str) -> bool:
    """Whether a channel's id is that of a conversation with one person."""
    return channel.startswith("D")


def place_of(channel: str, thread: str) -> Place:
    """What kind of place a channel and a thread are; a thread in a direct conversation is direct."""
    if is_direct(channel):
        return Place.DIRECT
    return Place.THREAD if thread else Place.GROUP


def is_whispered(target: Target) -> bool:
    """Whether only one person is to see it: what a slash command says in a channel, where no message asked for it."""
    return target.place is Place.GROUP and bool(target.person) and not target.reply_to
