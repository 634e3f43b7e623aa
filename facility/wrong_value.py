"""What is wrong with a value of a document, as pydantic found it, in a sentence that can be translated."""

from collections.abc import Mapping
from typing import Any, Final

from facility.sentence import Sentence

_TYPES: Final = {
    "bool_type": Sentence("give true or false"),
    "bool_parsing": Sentence("give true or false"),
    "int_type": Sentence("give a whole number, without quotes"),
    "int_parsing": Sentence("give a whole number, without quotes"),
    "int_from_float": Sentence("give a whole number"),
    "float_type": Sentence("give a number, without quotes"),
    "float_parsing": Sentence("give a number, without quotes"),
    "finite_number": Sentence("give a finite number"),
    "string_type": Sentence("give a text in quotes"),
    "list_type": Sentence('give a list, such as ["a", "b"]'),
    "tuple_type": Sentence('give a list, such as ["a", "b"]'),
    "dict_type": Sentence("give a table"),
    "model_type": Sentence("give a table"),
    "model_attributes_type": Sentence("give a table"),
    "path_type": Sentence("give a path in quotes"),
    "date_type": Sentence("give a date, such as 2026-10-01"),
    "date_parsing": Sentence("give a date, such as 2026-10-01"),
    "date_from_datetime_parsing": Sentence("give a date, such as 2026-10-01"),
    "timezone_aware": Sentence("give the time its offset from UTC, such as +09:00"),
    "time_type": Sentence("give a time of day, such as 09:00"),
    "time_parsing": Sentence("give a time of day, such as 09:00"),
}


def wrong_value(kind: str, message: str, context: Mapping[str, Any]) -> Sentence:
    """Return what is wrong with a value.

    Parameters
    ----------
    kind, message, context
        Type, text and limits of one problem of a `pydantic.ValidationError`. A type that is not known here keeps
        pydantic's own text.

    Examples
    --------
    >>> wrong_value("greater_than", "Input should be greater than 0", {"gt": 0})
    'it must be greater than 0'
    """
    if kind in _TYPES:
        return _TYPES[kind]
    limits = dict(context)
    match kind:
        case "greater_than":
            return Sentence("it must be greater than {limit:g}", limit=limits["gt"])
        case "greater_than_equal":
            return Sentence("it must be at least {limit:g}", limit=limits["ge"])
        case "less_than":
            return Sentence("it must be less than {limit:g}", limit=limits["lt"])
        case "less_than_equal":
            return Sentence("it must be at most {limit:g}", limit=limits["le"])
        case "literal_error" | "enum":
            return Sentence("use one of {words}", words=str(limits["expected"]).replace(" or ", ", "))
        case "too_short" | "string_too_short":
            return Sentence("it has too few parts: at least {n} are needed", n=limits["min_length"])
        case "too_long" | "string_too_long":
            return Sentence("it has too many parts: at most {n} are allowed", n=limits["max_length"])
        case "string_pattern_mismatch":
            return Sentence("it does not match the pattern {pattern}", pattern=limits["pattern"])
        case _:
            return Sentence("{message}", message=message)
