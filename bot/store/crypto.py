"""Encryption of what people wrote: a ring of AES-256-GCM keys and the file that keeps it.

A key's id is a digest of the key itself, so a value always says which key opens it and a wrong key is known
before it is tried. The first key of a ring encrypts; all of them decrypt, so keys can be rotated without a pause.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from filelock import FileLock

from bot.store.errors import StoreError

_KEY_BYTES = 32
_ID_BYTES = 4
_NONCE_BYTES = 12  # random; NIST SP 800-38D allows 2**32 values a key, far above what a support bot writes
_TAG_BYTES = 16
_FORMAT = b"\x01"  # first byte of every value, so that another format can follow
_HEADER_BYTES = len(_FORMAT) + _ID_BYTES

_FILE_HEADING = """\
# Keys of a Burnish store, one a line; the first encrypts, all of them decrypt.
# Whoever has this file can read the store, and without it nobody can: keep a copy apart from the backups.
"""


class Keyring:
    """Keys by id; the first is the primary one.

    A value is format byte | key id (4) | nonce (12) | ciphertext and tag, and is bound to the column that it was
    encrypted for: moved into another column it does not decrypt.
    """

    __slots__ = ("_ciphers", "_keys", "_primary")

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Keep the keys.

        Raises:
            StoreError: There is no key, or one is not 32 bytes long.
        """
        if not keys:
            raise StoreError("A keyring needs at least one key, and none was given.")
        if any(len(key) != _KEY_BYTES for key in keys):
            raise StoreError(f"A key must be {_KEY_BYTES} bytes long.")
        self._keys = tuple(dict.fromkeys(keys))
        self._ciphers = {_key_id(key): AESGCM(key) for key in self._keys}
        self._primary = _key_id(self._keys[0])

    def __repr__(self) -> str:
        return f"Keyring(ids={self.ids!r})"

    @classmethod
    def generate(cls) -> Keyring:
        """Make a ring of one new random key."""
        return cls([secrets.token_bytes(_KEY_BYTES)])

    @classmethod
    def parse(cls, text: str, *, origin: str) -> Keyring:
        """Read keys as a key file or an environment variable holds them.

        Args:
            text: Keys in URL-safe base64, separated by white space or commas; lines starting with # are comments.
            origin: Where the text comes from, as an error should name it ("the key file /etc/burnish/store.key").

        Raises:
            StoreError: There is no key, or one cannot be read.
        """
        lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
        words = " ".join(lines).replace(",", " ").split()
        if not words:
            raise StoreError(f"No key was found in {origin}; put back the one that the store was written with.")
        return cls([_decode_key(word, number, origin) for number, word in enumerate(words, start=1)])

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the keys, eight hexadecimal digits each, the primary one first."""
        return tuple(key_id.hex() for key_id in self._ciphers)

    @property
    def primary_id(self) -> str:
        """Id of the key that encrypts."""
        return self._primary.hex()

    def dump(self) -> str:
        """Write the keys as `parse` reads them; this is the secret itself."""
        return "\n".join(base64.urlsafe_b64encode(key).decode("ascii") for key in self._keys)

    def rotated(self) -> Keyring:
        """Make a ring with a new primary key before the ones it has."""
        return Keyring([secrets.token_bytes(_KEY_BYTES), *self._keys])

    def encrypt(self, text: str, *, place: str) -> bytes:
        """Encrypt a text with the primary key.

        Args:
            text: Any text, lone surrogates included: what a platform sends must never stop the inbox.
            place: The column that it is for ("messages.text").
        """
        nonce = os.urandom(_NONCE_BYTES)
        plain = text.encode("utf-8", "surrogatepass")
        sealed = self._ciphers[self._primary].encrypt(nonce, plain, place.encode("utf-8"))
        return b"".join((_FORMAT, self._primary, nonce, sealed))

    def decrypt(self, value: bytes, *, place: str) -> str:
        """Decrypt what `encrypt` made for the same place.

        Raises:
            StoreError: The ring lacks the value's key, or the value was changed or moved.
        """
        key_id = bytes.fromhex(encrypting_key_id(value, place=place))
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise missing_key_error([key_id.hex()], self)
        nonce, sealed = value[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES], value[_HEADER_BYTES + _NONCE_BYTES :]
        try:
            plain = cipher.decrypt(nonce, sealed, place.encode("utf-8"))
        except InvalidTag as error:
            raise StoreError(
                f"A value in {place} was changed or comes from another column; "
                "run `burnish store check` and restore a backup."
            ) from error
        return plain.decode("utf-8", "surrogatepass")


def encrypting_key_id(value: bytes, *, place: str) -> str:
    """Tell which key a value was encrypted with.

    Raises:
        StoreError: The value is not one that `Keyring.encrypt` made.
    """
    if len(value) < _HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES or not value.startswith(_FORMAT):
        raise StoreError(
            f"A value in {place} is not encrypted as this version of Burnish does it; run `burnish store check`."
        )
    return value[len(_FORMAT) : _HEADER_BYTES].hex()


def missing_key_error(missing: Sequence[str], keyring: Keyring) -> StoreError:
    """Say which keys a store needs that the ring lacks."""
    return StoreError(
        f"The store was encrypted with key {', '.join(missing)}, which is not among the keys given "
        f"({', '.join(keyring.ids)}); put back the key file or key that it was written with."
    )


def load_key_file(path: Path) -> Keyring:
    """Read the key file; on first use create it, readable by its owner only.

    Two processes that start at once end with the same key.

    Raises:
        StoreError: The file cannot be read or written, or holds no valid key.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(_lock_path(path)):
                if not path.exists():
                    _write_key_file(path, Keyring.generate())
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"The key file {path} cannot be read or created: {error}.") from error
    return Keyring.parse(text, origin=f"the key file {path}")


def rotate_key_file(path: Path) -> Keyring:
    """Put a new primary key into the key file; the old keys stay, for rows and backups not yet re-encrypted.

    A program that has the store open goes on with the keys it has read; start it again after this.

    Raises:
        StoreError: The file is missing, holds no valid key, or cannot be written.
    """
    try:
        with FileLock(_lock_path(path)):
            text = path.read_text(encoding="utf-8")
            keyring = Keyring.parse(text, origin=f"the key file {path}").rotated()
            _write_key_file(path, keyring)
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"The key file {path} cannot be rotated: {error}.") from error
    return keyring


def sync_folder(folder: Path) -> None:
    """Make a rename inside a folder durable; where folders cannot be opened (Windows) there is nothing to do."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"burnish key id\0" + key).digest()[:_ID_BYTES]


def _decode_key(word: str, number: int, origin: str) -> bytes:
    try:
        key = base64.b64decode(word, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        # "from None" and no quote of the word: it may be most of a real key
        raise StoreError(f"Key {number} in {origin} is not {_KEY_BYTES} bytes in URL-safe base64.") from None
    return key


def _lock_path(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _write_key_file(path: Path, keyring: Keyring) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # created with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{_FILE_HEADING}{keyring.dump()}\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
