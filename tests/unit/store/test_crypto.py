from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store.crypto import Keyring, encrypting_key_id
from bot.store.errors import StoreError

RING = Keyring.generate()
PLACE = "messages.text"
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))  # lone surrogates too


@given(ANY_TEXT)
def test_any_text_comes_back(text: str) -> None:
    assert RING.decrypt(RING.encrypt(text, place=PLACE), place=PLACE) == text


@given(st.text(min_size=4))
def test_a_value_shows_nothing_of_its_text_and_is_never_the_same_twice(text: str) -> None:
    first, second = RING.encrypt(text, place=PLACE), RING.encrypt(text, place=PLACE)
    assert text.encode() not in first
    assert first != second


@given(st.data())
def test_a_value_with_one_changed_bit_is_refused(data: st.DataObject) -> None:
    value = bytearray(RING.encrypt("a secret", place=PLACE))
    bit = data.draw(st.integers(0, 8 * len(value) - 1))
    value[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(StoreError):
        RING.decrypt(bytes(value), place=PLACE)


def test_a_value_moved_to_another_column_is_refused() -> None:
    value = RING.encrypt("a secret", place="messages.text")
    with pytest.raises(StoreError, match=r"users\.name was changed or comes from another column"):
        RING.decrypt(value, place="users.name")


@pytest.mark.parametrize("value", [b"", b"plain text that was never encrypted", b"\x01" * 20])
def test_what_is_no_encrypted_value_is_refused(value: bytes) -> None:
    with pytest.raises(StoreError):
        RING.decrypt(value, place=PLACE)


def test_another_key_is_named_in_the_error() -> None:
    other = Keyring.generate()
    with pytest.raises(StoreError, match=f"encrypted with key {RING.primary_id}, .*{other.primary_id}"):
        other.decrypt(RING.encrypt("x", place=PLACE), place=PLACE)


def test_a_rotated_ring_encrypts_with_a_new_key_and_still_reads_the_old() -> None:
    old = RING.encrypt("before", place=PLACE)
    rotated = RING.rotated()
    assert rotated.decrypt(old, place=PLACE) == "before"
    assert rotated.ids[1:] == RING.ids
    new = rotated.encrypt("after", place=PLACE)
    assert encrypting_key_id(new, place=PLACE) == rotated.primary_id != RING.primary_id


@pytest.mark.parametrize("join", ["\n", ",", " , ", "\n# a comment\n"])
def test_a_ring_is_read_as_it_was_written(join: str) -> None:
    ring = RING.rotated()
    assert Keyring.parse(ring.dump().replace("\n", join), origin="the test").ids == ring.ids


@pytest.mark.parametrize("text", ["", "  \n", "# only a comment"])
def test_a_text_without_a_key_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="No key was found in the test"):
        Keyring.parse(text, origin="the test")


@pytest.mark.parametrize("word", ["abc", "%%%%", "QUJD", "é" * 44])
def test_a_bad_key_is_refused_without_being_shown(word: str) -> None:
    with pytest.raises(StoreError, match="Key 2 in the test is not 32 bytes") as caught:
        Keyring.parse(f"{RING.dump()} {word}", origin="the test")
    assert word not in str(caught.value)


def test_a_ring_never_shows_its_keys() -> None:
    assert RING.dump() not in repr(RING)
    assert RING.primary_id in repr(RING)
