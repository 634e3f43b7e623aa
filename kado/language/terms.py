"""The field's words for accounts, categories, events, states and qualities, as `docs/glossary.md` has them.

A code that programs read (``no_beam``) and the words that people read (no beam, ビーム停止) meet here and nowhere else.
"""

from typing import Final

from kado.language.catalogue import marked, tr

TERMS: Final[dict[str, str]] = {
    # categories of the schedule
    "user": marked("user"),
    "reserve": marked("reserve"),
    "study": marked("study"),
    "tuning": marked("tuning"),
    "maintenance": marked("maintenance"),
    "shutdown": marked("shutdown"),
    "commissioning": marked("commissioning"),
    "unscheduled": marked("unscheduled"),
    # accounts
    "calendar": marked("calendar"),
    "operating": marked("operating"),
    "user_time": marked("user time"),
    "delivered": marked("delivered"),
    "no_beam": marked("no beam"),
    "unknown": marked("unknown"),
    "low_beam": marked("low beam"),
    "refill": marked("refill"),
    "excluded": marked("excluded"),
    "not_user_time": marked("not user time"),
    # events
    "distortion": marked("distortion"),
    "trip": marked("trip"),
    "glitch": marked("glitch"),
    # what an outage asks for
    "acknowledge": marked("acknowledge"),
    "root cause": marked("root cause"),
    "assessment": marked("assessment"),
    # the ledger
    "received": marked("received"),
    "stored": marked("stored"),
    "waiting": marked("waiting"),
    "rejected": marked("rejected"),
    "dropped": marked("dropped"),
    "lost": marked("lost"),
    # qualities
    "good": marked("good"),
    "uncertain": marked("uncertain"),
    "bad": marked("bad"),
    # priorities of alarms
    "critical": marked("critical"),
    "high": marked("high"),
    "medium": marked("medium"),
    "low": marked("low"),
    # links
    "up": marked("connected"),
    "down": marked("not connected"),
}

LEDGER: Final = ("received", "stored", "waiting", "rejected", "dropped", "lost")
"""The terms of the account of samples: the first is the sum of the others."""


def term(code: str) -> str:
    """Return the words for a code in the language of now; a code without words stands for itself.

    Examples
    --------
    >>> term("no_beam"), term("some_system")
    ('no beam', 'some system')
    """
    return tr(TERMS[code]) if code in TERMS else code.replace("_", " ")
