"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import BigInteger, DateTime, Dialect, Engine, Enum, Integer, LargeBinary
from sqlalchemy.types import TypeDecorator

from bot.store.crypto import Keyring
from bot.store.errors import StoreError

# An engine owns one dialect object, and a dialect is all that a column type is shown: so the keys hang there.
_KEYRINGS: WeakKeyDictionary[Dialect, Keyring] = WeakKeyDictionary()

# AUTOINCREMENT, which never uses an id again, exists in SQLite for INTEGER only (64 bits wide there anyway).
BigId = BigInteger().with_variant(Integer(), "sqlite")


def use_keyring(engine: Engine, keyring: Keyring) -> None:
    """Let every encrypted column reached through an engine use these keys."""
    _KEYRINGS[engine.dialect] = keyring


def enum_column(members: type[StrEnum]) -> Enum:
    """A short text that holds an enumeration's values; no native enum, whose changes lock a table."""
    return Enum(
        members,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=lambda enumeration: [member.value for member in enumeration],
    )


class EncryptedText(TypeDecorator[str]):
    """A text that lies encrypted in the database.

    Bound to its column: the place given here must be "table.column".
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(self, place: str) -> None:
        """Name the column, as "table.column"."""
        super().__init__()
        self.place = place

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ANN401 - the impl's type, bytes, is not the decorator's
        """Encrypt on the way in."""
        return None if value is None else _keyring(dialect).encrypt(value, place=self.place)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:  # noqa: ANN401 - what the driver gives
        """Decrypt on the way out."""
        return None if value is None else _keyring(dialect).decrypt(bytes(value), place=self.place)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware on the way in, aware and in UTC on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn to UTC; SQLite, which knows no zones, gets it without one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise StoreError("A time without a time zone was given to the store; give an aware one.")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def _keyring(dialect: Dialect) -> Keyring:
    keyring = _KEYRINGS.get(dialect)
    if keyring is None:
        raise StoreError("The store was opened without keys; open it with Store.open(url, keyring).")
    return keyring
