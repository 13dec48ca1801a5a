"""The one-time code by which the first owner shows that the server is theirs; only a salted hash of it is kept."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, update

from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.schema import SettingRow, UserRow
from bot.store.statements import read_setting, write_setting
from bot.types import Role

VALID_FOR = timedelta(hours=1)

_KEY = "owner_code"
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # nothing that is read for something else: I, L, O, 0, 1
_GROUPS, _GROUP = 3, 4  # 12 characters of 31: 59 bits
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    salt: str  # hexadecimal
    digest: str  # hexadecimal
    expires_at: str  # ISO 8601


class Claims:
    """At most one code at a time; it works once, and for an hour."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def issue(self) -> str:
        """Make a code in the place of any earlier one; it is shown now and never again."""
        code = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
        salt = secrets.token_bytes(_SALT_BYTES)
        kept = _Kept(salt=salt.hex(), digest=_digest(code, salt), expires_at=(self._clock() + VALID_FOR).isoformat())
        with self._database.write() as connection:
            write_setting(connection, _KEY, json.dumps(asdict(kept)))
        return code

    def claim(self, user_id: int, code: str) -> bool:
        """Make a person an owner and use the code up, in one transaction; False if it is not the code."""
        with self._database.write() as connection:
            if not self._use_up(connection, code):
                return False
            owner = update(UserRow).where(UserRow.id == user_id).values(role=Role.OWNER)
            return connection.execute(owner).rowcount > 0

    def burn(self, code: str) -> bool:
        """Use a code up for nothing, since others have seen it; False if it is not the code."""
        with self._database.write() as connection:
            return self._use_up(connection, code)

    def _use_up(self, connection: Connection, code: str) -> bool:
        text = read_setting(connection, _KEY, lock=True)
        if text is None:
            return False
        kept = _Kept(**json.loads(text))
        right = hmac.compare_digest(kept.digest, _digest(code, bytes.fromhex(kept.salt)))
        if not right or datetime.fromisoformat(kept.expires_at) < self._clock():
            return False
        connection.execute(delete(SettingRow).where(SettingRow.key == _KEY))
        return True


def _digest(code: str, salt: bytes) -> str:
    """A code is random and long, so one round is enough: guessing it is hopeless however fast the hash is."""
    plain = "".join(character for character in code.upper() if character.isalnum())
    return hashlib.sha256(salt + plain.encode()).hexdigest()
