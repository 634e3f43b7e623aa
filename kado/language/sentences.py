"""The text of an error in the language of now: errors are raised in English, as programs and logs read them."""

from facility.corrections import Assertion
from facility.sentence import Sentence
from kado.language.assertions import assertion_word
from kado.language.catalogue import tr
from kado.language.choice import language


def error_text(error: Exception) -> str:
    """Return the text of an error in the language of now; in English where it has no `Sentence`."""
    sentence = error.args[0] if len(error.args) == 1 else None
    return _in_words(sentence) if isinstance(sentence, Sentence) else str(error)


def _in_words(sentence: Sentence) -> str:
    if language() == "en":
        return str(sentence)
    return tr(sentence.text, **{name: _value(value) for name, value in sentence.values.items()})


def _value(value: object) -> object:
    if isinstance(value, Sentence):
        return _in_words(value)
    if isinstance(value, Exception):
        return error_text(value)
    if isinstance(value, Assertion):
        return assertion_word(value)
    return value
