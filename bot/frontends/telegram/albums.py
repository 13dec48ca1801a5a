"""What somebody sent together and Telegram brings as one message for each file."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.commands.registry import with_caption
from bot.frontends.telegram.inbound import Overheard
from bot.store.inbox import EDIT_MARK
from bot.types import Message

KEPT = 256  # albums of which more may still come
_INGEST = "ingest"


@dataclass(slots=True, kw_only=True)
class _Album:
    first: str  # the event id of the one file without words that is spoken to
    silent: dict[str, Message] = field(default_factory=dict)  # files without words, by event id
    ingests: bool = False  # whether one of its captions takes documents in


class Albums:
    """Decides which messages of an album are brought to the desk.

    Only one file has the caption, the first or the last. If it is `ingest`, it is meant for all of them. Of files
    without any words one is spoken to: saying the same for each would be a flood.
    """

    def __init__(self) -> None:
        self._albums: OrderedDict[str, _Album] = OrderedDict()

    def sorted(self, group: str, heard: Message | Overheard) -> Sequence[Message | Overheard]:
        """What to bring for a message of an album; the same message again gives the same.

        Args:
            group: Names the album.
            heard: The message.
        """
        message = heard.message if isinstance(heard, Overheard) else heard
        album = self._albums.setdefault(group, _Album(first=message.event_id))
        while len(self._albums) > KEPT:
            self._albums.popitem(last=False)
        command = with_caption(message).origin.command
        if message.text or command:
            if isinstance(heard, Overheard) or command != _INGEST:
                return (heard,)
            album.ingests = True
            return (heard, *(_again(one) for one in album.silent.values()))
        if album.ingests:
            return (_ingesting(message),)
        album.silent[message.event_id] = message
        return (heard,) if message.event_id == album.first else ()


def _ingesting(message: Message) -> Message:
    return replace(message, origin=replace(message.origin, command=_INGEST))


def _again(message: Message) -> Message:
    """A file that came before its album's caption, which is read as its own now."""
    origin = replace(message.origin, replaces=message.event_id)
    return _ingesting(replace(message, event_id=f"{message.event_id}{EDIT_MARK}album", origin=origin))
