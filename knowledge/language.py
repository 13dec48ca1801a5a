"""The language of a text: the script decides where it can, statistics where it cannot."""

from __future__ import annotations

import functools
import re
import typing

if typing.TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

UNKNOWN = "und"

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_KANA = re.compile(r"[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
_HANGUL = re.compile(r"[\uac00-\ud7af\u1100-\u11ff\u3130-\u318f]")
_OTHER_WORD = re.compile(r"[^\W\d_\u1100-\u11ff\u3040-\u30ff\u3130-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
_NO_PROSE = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+|[A-Za-z0-9{}]+(?:[_./\\@{}-]+[A-Za-z0-9{}]+)+", re.DOTALL
)

# Languages that support teams write in. The model knows 140, and a short English text resembles one of
# the small ones too often ("Hello there" came out as Sotho).
# one word a line reads worse
# fmt: off
_CANDIDATES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk", "cs", "sk", "hu", "ro", "bg", "el", "tr", "ar",
    "fa", "he", "hi", "bn", "ta", "te", "th", "vi", "id", "ms", "tl", "sv", "da", "no", "fi", "et", "lv", "lt",
    "hr", "sr", "sl", "ca", "ka", "hy", "az", "kk", "uz", "ur", "sw", "af", "is", "ga", "sq", "mk", "mn", "my",
    "km", "lo", "ne", "si",
)
# fmt: on
_MIN_CONFIDENCE = 0.5  # below it, short texts in measured samples were guesses
_MIN_LETTERS = 8  # "Hello" or "TiDB" is no evidence
_SAMPLE_CHARACTERS = 4_000  # the answer does not change further on; the model reads byte by byte


def detect(text: str) -> str:
    """Tell the language of a text.

    Args:
        text: Any text; code, file names and web addresses do not count.

    Returns:
        An ISO 639-1 code, or "und" when there is too little to tell.
    """
    prose = _NO_PROSE.sub(" ", text[: 4 * _SAMPLE_CHARACTERS])[:_SAMPLE_CHARACTERS]
    return _by_script(prose) or _by_statistics(prose)


def plausibility(text: str) -> float:
    """Tell how well a text resembles any one language, in [0, 1]; a wrongly decoded one does so less."""
    _, confidence = _identifier().classify(text[:_SAMPLE_CHARACTERS])
    return float(confidence)


def _by_script(prose: str) -> str:
    """Decide for Chinese, Japanese and Korean; "" when another script prevails.

    A product name or a code word inside a Chinese sentence does not make it English, so one Han
    character weighs as much as one word in another script.
    """
    han = len(_HAN.findall(prose))
    kana = len(_KANA.findall(prose))
    hangul = len(_HANGUL.findall(prose))
    if han + kana + hangul < max(1, len(_OTHER_WORD.findall(prose))):
        return ""
    if hangul > han + kana:
        return "ko"
    # Japanese is never written without kana for long; Chinese quotes a Japanese name now and then.
    return "ja" if kana * 10 > han + kana else "zh"


def _by_statistics(prose: str) -> str:
    if sum(character.isalpha() for character in prose) < _MIN_LETTERS:
        return UNKNOWN
    language, confidence = _identifier().classify(prose)
    return str(language) if confidence >= _MIN_CONFIDENCE else UNKNOWN


@functools.cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_CANDIDATES)
    return identifier
