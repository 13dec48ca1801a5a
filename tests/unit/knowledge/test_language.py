from __future__ import annotations

import pytest

from knowledge.language import detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我的账户为何被冻结?", "zh"),
        ("为什么？", "zh"),
        ("如何 reset password?", "zh"),
        ("使用 TiUP 部署 TiDB Cluster", "zh"),
        ("パスワードを忘れました", "ja"),
        ("日本語のテキストです", "ja"),
        ("비밀번호를 잊어버렸어요", "ko"),
        ("How do I reset my password?", "en"),
        ("Install the 中文 package on the server please", "en"),
        ("Wie kann ich mein Passwort zurücksetzen?", "de"),
        ("Bonjour, comment ça va ?", "fr"),
    ],
)
def test_the_language_of_a_short_text_is_told(text: str, language: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize("text", ["", "   ", "Hello", "TiDB", "12345", "`SELECT * FROM users WHERE id = 3`", "😀"])
def test_too_little_text_has_no_language(text: str) -> None:
    assert detect(text) == "und"


def test_code_and_file_names_do_not_outvote_the_prose_around_them() -> None:
    names = "\n".join(f"tidb-server-{number}-linux-amd64.tar.gz" for number in range(50))
    text = f"离线包包含以下内容：\n```\nselect many english words from here\n```\n{names}\nhttps://example.com/some/english/words"

    assert detect(text) == "zh"
