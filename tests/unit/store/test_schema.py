from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint

from bot.store.columns import EncryptedText
from bot.store.schema import Base

# what a person wrote or is called, and all that is made from it
PERSONAL = {
    "users.name",
    "messages.text",
    "answers.text",
    "answers.detail",
    "ratings.comment",
    "corrections.text",
    "documents.title",
    "chunks.title_path",
    "chunks.question",
    "chunks.text",
    "audit.detail",
    "origins.detail",
    "runs.detail",
    "posts.body",
    "handoffs.question",
    "handoffs.reply",
}


def test_every_personal_column_is_encrypted_and_bound_to_its_own_place() -> None:
    places = {
        f"{table.name}.{column.name}": column.type.place
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, EncryptedText)
    }
    assert places == {place: place for place in PERSONAL}


def test_every_reference_has_an_index_to_delete_by() -> None:
    for table in Base.metadata.sorted_tables:
        led = {next(iter(index.columns)).name for index in table.indexes}
        led |= {
            next(iter(one.columns)).name
            for one in table.constraints
            if isinstance(one, PrimaryKeyConstraint | UniqueConstraint)
        }
        for reference in table.foreign_keys:
            assert reference.parent.name in led, f"{table.name}.{reference.parent.name} has no index"
