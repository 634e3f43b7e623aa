"""Words for errors of the operating system, which speaks English whatever the reader's language."""

from typing import Final

from kado.language.catalogue import marked, tr

_WORDS: Final = (
    marked("Permission denied"),
    marked("No such file or directory"),
    marked("Is a directory"),
    marked("Not a directory"),
    marked("File exists"),
    marked("Directory not empty"),
    marked("No space left on device"),
    marked("Read-only file system"),
    marked("Input/output error"),
    marked("File name too long"),
    marked("Too many open files"),
    marked("Operation not permitted"),
    marked("Address already in use"),
    marked("Cannot assign requested address"),
    marked("Connection refused"),
    marked("Connection reset by peer"),
    marked("Connection timed out"),
    marked("Network is unreachable"),
    marked("No route to host"),
    marked("Name or service not known"),
    marked("Temporary failure in name resolution"),
    marked("Broken pipe"),
)


def system_error_words(text: str) -> str:
    """Return the text of an error of the operating system in the language of now; any other text as it is.

    Examples
    --------
    >>> system_error_words("Permission denied"), system_error_words("a reason of ours")
    ('Permission denied', 'a reason of ours')
    """
    return tr(text) if text in _WORDS else text


def system_error_text(error: OSError) -> str:
    """Return the text of an error of the operating system, with the file that it names."""
    if not error.strerror:
        return str(error)
    words = system_error_words(error.strerror)
    return words if error.filename is None else f"{words}: {error.filename}"
