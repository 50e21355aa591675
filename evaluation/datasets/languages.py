"""Names of the languages of benchmarks, which call them by a word, by an ISO 639 code, or by a code of their own."""

from __future__ import annotations

NAMES = {
    "ar": "arabic",
    "bn": "bengali",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "hi": "hindi",
    "hu": "hungarian",
    "id": "indonesian",
    "it": "italian",
    "ja": "japanese",
    "jp": "japanese",  # what Jina-VDR writes
    "ko": "korean",
    "my": "burmese",
    "nl": "dutch",
    "pl": "polish",
    "pt": "portuguese",
    "ru": "russian",
    "th": "thai",
    "tr": "turkish",
    "ur": "urdu",
    "vi": "vietnamese",
    "zh": "chinese",
}
THREE_LETTERS = {
    "ara": "ar", "ben": "bn", "deu": "de", "eng": "en", "spa": "es", "fra": "fr", "hin": "hi", "hun": "hu", "ind": "id",
    "ita": "it", "jpn": "ja", "kor": "ko", "mya": "my", "nld": "nl", "pol": "pl", "por": "pt", "rus": "ru", "tha": "th",
    "tur": "tr", "urd": "ur", "vie": "vi", "zho": "zh",
}  # fmt: skip


def language_name(given: str) -> str:
    """The name of a language in lower case, from its name or its code; what is not known stays as it is.

    >>> language_name("EN"), language_name("French"), language_name("jp"), language_name("spa-Latn")
    ('english', 'french', 'japanese', 'spanish')
    """
    folded = given.strip().lower()
    code = folded.partition("-")[0]
    return NAMES.get(THREE_LETTERS.get(code, code), folded)


def is_language(name: str) -> bool:
    """Whether a name of a subset is that of a language.

    >>> is_language("english"), is_language("zh"), is_language("laws")
    (True, True, False)
    """
    return language_name(name) in NAMES.values()
