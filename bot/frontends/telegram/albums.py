"""What somebody sent together and Telegram brings as one message for each file."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from bot.commands.registry import with_caption
from bot.frontends.telegram.inbound import Overheard
from bot.store.inbox import EDIT_MARK
from bot.types import Message, StoredMessage

KEPT = 256  # albums that were overheard and of which more may still come
_INGEST = "ingest"


class Albums:
    """Decides how the messages of an album are brought to the desk.

    Only one file has the caption, the first or the last. If it is `ingest`, it is meant for all of them. Of files
    without any words one is spoken to: saying the same for each would be a flood. What an album is lies with the desk,
    also over a restart, but for files that were overheard in a group: they are nobody's until a caption calls the bot.
    """

    def __init__(self) -> None:
        self._overheard: OrderedDict[tuple[str, str], dict[str, Message]] = OrderedDict()  # by event id

    def sorted(self, heard: Message | Overheard, brought: Sequence[StoredMessage]) -> Sequence[Message | Overheard]:
        """What to bring for a message of an album; the same message again gives the same.

        Args:
            heard: The message.
            brought: What the desk has of the album, oldest first.
        """
        message = heard.message if isinstance(heard, Overheard) else heard
        ingests = any(one.message.origin.command == _INGEST for one in brought)
        command = with_caption(message).origin.command
        if message.text or command:
            if isinstance(heard, Overheard) or command != _INGEST:
                return (heard,)
            silent = [one.message for one in brought if not one.replaced and _is_silent(one.message)]
            silent += self._overheard.pop((message.channel, message.origin.album), {}).values()
            return (heard, *(_again(one) for one in silent))
        if ingests:
            return (_ingesting(message),)
        if isinstance(heard, Overheard):
            self._remember(message)
            return (heard,)
        others = any(_is_silent(one.message) and one.message.event_id != message.event_id for one in brought)
        return (replace(message, origin=replace(message.origin, rest=True)) if others else message,)

    def _remember(self, message: Message) -> None:
        album = self._overheard.setdefault((message.channel, message.origin.album), {})
        album[message.event_id] = message
        while len(self._overheard) > KEPT:
            self._overheard.popitem(last=False)


def _is_silent(message: Message) -> bool:
    return not message.text and not message.origin.command


def _ingesting(message: Message) -> Message:
    return replace(message, origin=replace(message.origin, command=_INGEST, rest=False))


def _again(message: Message) -> Message:
    """A file that came before its album's caption, which is read as its own now."""
    origin = replace(message.origin, replaces=message.event_id)
    return _ingesting(replace(message, event_id=f"{message.event_id}{EDIT_MARK}album", origin=origin))
