"""The text of an error in the language of now: errors are raised in English, as programs and logs read them."""

from contextlib import suppress
from typing import Any, cast

from facility.corrections import Assertion
from facility.sentence import Sentence
from kado.language.assertions import assertion_word
from kado.language.catalogue import tr
from kado.language.choice import language
from kado.language.system_errors import system_error_text, system_error_words


def error_text(error: Exception) -> str:
    """Return the text of an error in the language of now; in English where it has no `Sentence`."""
    sentence = error.args[0] if len(error.args) == 1 else None
    return in_words(sentence) if isinstance(sentence, Sentence) else str(error)


def sentence_document(error: Exception) -> dict[str, Any] | None:
    """Return what `sentence_text` needs to show an error in any language, as JSON; None where it has no `Sentence`."""
    sentence = error.args[0] if len(error.args) == 1 else None
    return _document(sentence) if isinstance(sentence, Sentence) else None


def sentence_text(document: object) -> str | None:
    """Return the text of what `sentence_document` returned in the language of now; None if it was not that."""
    sentence = _sentence(document)
    if sentence is None:
        return None
    try:
        return in_words(sentence)
    except (KeyError, IndexError, ValueError, AttributeError):
        return None


def _document(sentence: Sentence) -> dict[str, Any]:
    return {"text": sentence.text, "values": {name: _kept(value) for name, value in sentence.values.items()}}


def _kept(value: object) -> object:
    if isinstance(value, Sentence):
        return _document(value)
    if isinstance(value, Exception):
        return sentence_document(value) or str(value)
    if isinstance(value, Assertion):
        return {"assertion": value.value}
    return value if isinstance(value, str | int | float) else str(value)


def _sentence(document: object) -> Sentence | None:
    if not isinstance(document, dict):
        return None
    found = cast("dict[str, Any]", document)
    text, values = found.get("text"), found.get("values")
    if not isinstance(text, str) or not isinstance(values, dict):
        return None
    return Sentence.restored(text, {name: _restored(value) for name, value in cast("dict[str, Any]", values).items()})


def _restored(value: object) -> object:
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        if found.keys() == {"assertion"}:
            with suppress(ValueError):
                return Assertion(found["assertion"])
        return _sentence(found) or found
    return value


def in_words(sentence: Sentence) -> str:
    """Return a sentence in the language of now."""
    if language() == "en":
        return str(sentence)
    return tr(sentence.text, **{name: _value(value) for name, value in sentence.values.items()})


def _value(value: object) -> object:
    if isinstance(value, Sentence):
        return in_words(value)
    if isinstance(value, OSError):
        return system_error_text(value)
    if isinstance(value, Exception):
        return error_text(value)
    if isinstance(value, Assertion):
        return assertion_word(value)
    return system_error_words(value) if type(value) is str else value
