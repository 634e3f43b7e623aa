"""Optional libraries: which extra of kado installs each, and the message when one is missing."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from facility.errors import MissingExtraError
from facility.sentence import Sentence

EXTRAS: Final = {
    "aioca": "epics",
    "altair": "report",
    "apprise": "notify",
    "argon2": "page",
    "distributed": "cluster",
    "grafana_foundation_sdk": "dashboards",
    "influxdb_client": "influxdb",
    "itsdangerous": "page",
    "jinja2": "report",
    "multipart": "page",
    "p4p": "epics",
    "pandas": "report",
    "psycopg": "archiver",
    "python_multipart": "page",
    "scipy": "report",
    "softioc": "epics",
    "starlette": "page",
    "tango": "tango",
    "typst": "report",
    "uvicorn": "page",
    "vl_convert": "report",
    "xlsxwriter": "report",
}
"""Import names of libraries, each with an extra that installs it."""


def missing_extra(what: str, error: ModuleNotFoundError) -> MissingExtraError | None:
    """Return the message for people when `what` lacks an optional library; None if another module is missing.

    Examples
    --------
    >>> print(missing_extra("a report", ModuleNotFoundError("no pandas", name="pandas.core")))
    a report needs pandas, which is not installed: pip install 'kado[report]'
    """
    library = (error.name or "").partition(".")[0]
    if library not in EXTRAS:
        return None
    return MissingExtraError(
        Sentence(
            "{what} needs {library}, which is not installed: pip install 'kado[{extras}]'",
            what=what,
            library=library,
            extras=EXTRAS[library],
        )
    )


@contextmanager
def needs_extra(what: str) -> Generator[None]:
    """Import optional libraries in this block.

    Raises
    ------
    MissingExtraError
        If one of them is not installed: names it, what needs it, and the extra.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (problem := missing_extra(what, error)) is not None:
            raise problem from error
        raise
