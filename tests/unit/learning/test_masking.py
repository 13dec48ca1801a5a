"""Personal data in what people wrote, and what only looks like it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bot.learning.masking import Masker
from training.splits import feedback_side


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to ada@example.com now", "write to <EMAIL> now"),
        ("ada.l+bills@mail.corp.local has no answer", "<EMAIL> has no answer"),
        ("call +44 20 7946 0958 please", "call <PHONE> please"),
        ("my number is (425) 555-0123.", "my number is <PHONE>."),
        ("我的手机是 13812345678，请回电", "我的手机是 <PHONE>，请回电"),
        ("Phone: 467 3395, mobile is +46 (0)8 928 571 38 x12", "Phone: <PHONE>, mobile is <PHONE>"),
        ("my account 213164126086955", "my account <CARD>"),
        ("card 4111 1111 1111 1111 was declined", "card <CARD> was declined"),
        ("pay to DE89 3704 0044 0532 0130 00 today", "pay to <IBAN> today"),
        ("locked out from 192.168.10.24", "locked out from <IP>"),
        ("clone https://ada:s3cret@git.example.com/x.git", "clone <LINK>"),
        ("open https://example.com/reset?user=7&token=abc123", "open <LINK>"),
        ("my key is sk_live_4eC39HqLyjWDarjtT1zdp7dc", "my key is <SECRET>"),
        ("ask <@U0123ABCD> or @ada_lovelace", "ask <NAME> or <NAME>"),
    ],
)
def test_what_names_or_unlocks_a_person_is_masked(text: str, masked: str) -> None:
    assert Masker().mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "How do I refund €1,250.00 of invoice INV-2026-0017?",
        "See https://example.com/help/refunds?lang=en#fees",
        "The API allows 120 requests per minute since version 2.14.0.1rc1",
        "Bancontact costs €0.39, iDEAL €0.32",
        "订单 A-2411 什么时候到账？",
    ],
)
def test_amounts_versions_and_plain_links_stay(text: str) -> None:
    assert Masker().mask(text) == text


def test_names_of_people_who_wrote_are_masked_wherever_they_are_surely_names() -> None:
    masker = Masker(["Ada Lovelace", "Mark Bill", "王小明", "Al"], words={"bill", "mark"})
    assert masker.mask("ada lovelace and Ada asked") == "<NAME> and <NAME> asked"
    assert masker.mask("Lovelace: thanks, Mark Bill!") == "<NAME>: thanks, <NAME>!"
    assert masker.mask("请问王小明的发票") == "请问<NAME>的发票"
    # words of the documents, a part of a longer word, and what is too short
    for text in ("Mark the invoice as paid.", "Where is my Bill?", "Adaptive pricing in Adana", "Al is a code"):
        assert masker.mask(text) == text


def test_what_the_documents_say_is_nobodys_secret() -> None:
    text = "Write to help@example.com; I am eve@example.com"
    assert Masker().mask(text, public="Our address: help@example.com.") == "Write to help@example.com; I am <EMAIL>"


def test_pieces_that_overlap_become_one() -> None:
    masker = Masker(["Ada Lovelace"])
    assert masker.mask("https://ada:x@example.com/?token=ada@example.com!") == "<LINK>"


@pytest.mark.parametrize("number", range(40))
def test_a_masked_question_stays_on_the_side_of_its_original(number: int) -> None:
    text = f"Why did ada{number}@example.com get no reply about case {number * 7} from Grace?"
    masked = Masker(["Grace Hopper"]).question(text)
    assert feedback_side(masked) is feedback_side(text)
    assert "@" not in masked
    assert "Grace" not in masked


def test_a_question_without_personal_data_is_left_as_it_is() -> None:
    assert Masker(["Grace"]).question("How long does a refund take?") == "How long does a refund take?"


_CLOSED = """
import socket, sys
def refuse(*args, **kwargs):
    print("CONNECTION", args[1:], file=sys.stderr)
    raise OSError("the network is closed")
for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refuse)
socket.getaddrinfo = socket.create_connection = refuse
from bot.learning.masking import Masker
print(Masker().mask("ada@example.co.uk and bob@unheard.of"))
"""


def test_masking_asks_nothing_of_the_network() -> None:
    ended = subprocess.run([sys.executable, "-c", _CLOSED], capture_output=True, text=True, timeout=300, check=False)
    assert (ended.stdout.strip(), "CONNECTION" in ended.stderr) == ("<EMAIL> and <EMAIL>", False), ended.stderr[-2000:]
