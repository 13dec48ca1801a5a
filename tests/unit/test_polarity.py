"""Two texts contradict each other when one denies what the other states."""

from __future__ import annotations

import pytest

from bot.polarity import contradiction


@pytest.mark.parametrize(
    ("said", "known", "about"),
    [
        ("The API does not have a rate limit.", "The API is limited to 120 requests.", "limit"),
        ("Refunds are possible.", "Refunds aren't possible.", "possible"),
        ("Sync is enabled.", "Sync is disabled.", "enabled"),
        ("You pay before delivery.", "You pay after delivery.", "before"),
        ("SSO is unavailable.", "SSO is available.", "unavailable"),
        ("It is optional.", "It is required.", "optional"),
        ("People can pay with PayPal.", "PayPal is not supported.", "PayPal"),
        ("You can export.", "Exporting is not possible.", "export"),
        (
            "The website does not sign you out after 30 minutes without activity.",
            "| Web browser | 30 minutes without activity |",
            "30",
        ),
        ("Free users cannot export.", "Free users can export.", "export"),
    ],
)
def test_a_denial_and_an_opposite_are_contradictions(said: str, known: str, about: str) -> None:
    assert contradiction(said, known) == about


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("The API does not have a limit.", "There is no limit on the API."),
        ("Sync is not enabled.", "Sync is disabled."),
        ("It is not only fast but free.", "It is fast and free."),
        ("No, refunds are final.", "Refunds are final."),
        ("You cannot export, but you can print.", "Exporting is not possible; you can print."),
        ("You can cancel at any time.", "You can cancel without a fee at any time."),
        ("不仅支持退款", "支持退款"),
        ("无论支付方式", "支付方式"),
    ],
)
def test_agreeing_texts_are_no_contradiction(said: str, known: str) -> None:
    assert contradiction(said, known) == ""


@pytest.mark.parametrize(
    ("said", "known"),
    [("冻结期间可以提现", "冻结期间不能提现"), ("系统不支持退款", "系统支持退款"), ("该功能已启用", "该功能已禁用")],
)
def test_chinese_denials_are_seen(said: str, known: str) -> None:
    assert contradiction(said, known)
