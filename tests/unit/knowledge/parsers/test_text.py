from __future__ import annotations

import pytest

from knowledge.errors import UnreadableError
from knowledge.parsers import text

GERMAN = "Wie ändere ich mein Passwort? Öffnen Sie die Einstellungen und drücken Sie „Passwort ändern“."
CHINESE = "我的账户为何被冻结？请联系客服。\n忘记密码怎么办？点击登录页面上的链接即可重设密码。"


@pytest.mark.parametrize(
    ("original", "encoding"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (GERMAN, "utf-16"),
        (GERMAN, "utf-16-le"),
        (GERMAN, "utf-16-be"),
        (GERMAN, "utf-32"),
        (GERMAN, "cp1252"),
        ("Le café est ouvert le matin, après le déjeuner.", "latin-1"),
        ("Jak změním heslo? Otevřete nastavení a klikněte.", "cp1250"),
        ("Parolamı nasıl sıfırlayabilirim? Lütfen ayarları açınız.", "cp1254"),
        (CHINESE, "utf-16"),
        (CHINESE, "gb18030"),
        ("我的帳戶為何被凍結？請聯絡客服。忘記密碼怎麼辦？", "big5"),
        ("Как сбросить пароль? Откройте настройки и нажмите кнопку.", "cp1251"),
        ("パスワードを忘れた場合はどうすればよいですか。設定画面を開いてください。", "shift_jis"),
    ],
)
def test_text_in_a_usual_encoding_is_read_rightly(original: str, encoding: str) -> None:
    assert text.decode(original.encode(encoding)) == original


def test_a_declared_encoding_decides_what_statistics_cannot() -> None:
    assert text.decode("退款".encode("gb18030"), declared="GB2312") == "退款"


def test_a_wrongly_declared_encoding_does_not_spoil_utf_8() -> None:
    assert text.decode(GERMAN.encode(), declared="iso-8859-1") == GERMAN


def test_an_unknown_declared_encoding_is_passed_over() -> None:
    assert text.decode(b"caf\xe9 au lait", declared="klingon") == "café au lait"


def test_all_line_ends_become_one_kind() -> None:
    assert text.decode(b"a\r\nb\rc\n") == "a\nb\nc\n"


def test_the_colours_of_a_terminal_log_do_not_make_it_binary() -> None:
    assert text.decode(b"word " * 500 + b"\x07 bell") == "word " * 500 + " bell"


@pytest.mark.parametrize("content", [bytes(range(256)) * 10, b"\x00\x01\x02" * 100, b"\x01\x02words\x03" * 100])
def test_binary_data_is_no_text(content: bytes) -> None:
    with pytest.raises(UnreadableError, match=r"binary data|known encoding"):
        text.decode(content)


def test_wrapped_lines_are_joined_and_paragraphs_kept() -> None:
    wrapped = (
        "This is a paragraph that an editor has wrapped at some seventy columns,\nas it was told to.\n\nThe next one."
    )

    (section,) = text.parse(wrapped).sections

    assert section.text == (
        "This is a paragraph that an editor has wrapped at some seventy columns, as it was told to.\n\nThe next one."
    )


def test_short_lines_and_bullets_keep_their_lines() -> None:
    (section,) = text.parse("Opening hours\nMonday 9-5\n\n• one\n* two\n1) three").sections

    assert section.text == "Opening hours\nMonday 9-5\n\n- one\n- two\n1) three"
