"""What was sent along with a message (pure)."""

from __future__ import annotations

from telegram import Message

from bot.types import Attachment, AttachmentKind


def attachments(said: Message) -> tuple[Attachment, ...]:
    """The file of a message, if it has one: Telegram sends several as several messages."""
    if said.photo:
        largest = said.photo[-1]
        return (Attachment(kind=AttachmentKind.IMAGE, file_id=largest.file_id, size=largest.file_size or 0),)
    voice = said.voice or said.video_note
    if voice is not None:
        return (Attachment(kind=AttachmentKind.VOICE, file_id=voice.file_id, size=voice.file_size or 0),)
    if said.audio is not None:
        audio = said.audio
        name = audio.file_name or ""
        return (Attachment(kind=AttachmentKind.VOICE, file_id=audio.file_id, name=name, size=audio.file_size or 0),)
    return _document(said) or _other(said)


def _document(said: Message) -> tuple[Attachment, ...]:
    document = said.document
    if document is None or said.animation is not None:  # Telegram names an animation as a document too
        return ()
    is_image = (document.mime_type or "").startswith("image/")
    return (
        Attachment(
            kind=AttachmentKind.IMAGE if is_image else AttachmentKind.DOCUMENT,
            file_id=document.file_id,
            name=document.file_name or "",
            size=document.file_size or 0,
        ),
    )


def _other(said: Message) -> tuple[Attachment, ...]:
    file = said.animation or said.video or said.sticker
    if file is not None:
        return (Attachment(kind=AttachmentKind.OTHER, file_id=file.file_id, size=file.file_size or 0),)
    if said.contact or said.location or said.poll or said.dice or said.story:
        return (Attachment(kind=AttachmentKind.OTHER, file_id=""),)
    return ()
