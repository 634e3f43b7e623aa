"""What was received and could not become a sample: listed, shown, and read once more."""

import base64
from collections.abc import Sequence
from typing import Any

from collector.intake import Intake
from collector.replay import ReadsPayloads, Replayed, replay
from facility.errors import UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.source import GapReport
from facility.time import Clock, format_time
from kado.config import Configuration
from kado.queries.identity import identity
from kado.writers import make_landing
from storage.telemetry_db.dead_letters import Chosen, DeadLetter, read_dead_letters

_ALL = 1_000_000


def load_dead_letter(configuration: Configuration, number: int) -> DeadLetter:
    """Return one dead letter.

    Raises
    ------
    UsageError
        If there is none of that number, or no longer.
    """
    _, found = read_dead_letters(configuration.data_dir, 1, Chosen(ids=(number,)))
    if not found:
        raise UsageError(
            Sentence("there is no dead letter {number}, or no longer: see kado dead-letters list", number=number)
        )
    return found[0]


def replay_dead_letters(configuration: Configuration, chosen: Chosen, clock: Clock) -> Replayed:
    """Read dead letters once more, by the configuration of now.

    Raises
    ------
    LockedError
        If a kado runs on the data directory.
    """
    profile = configuration.profile
    _, letters = read_dead_letters(configuration.data_dir, _ALL, chosen)
    formats = {s.id: s.payload_format(profile) for s in configuration.sources if isinstance(s, ReadsPayloads)}
    intake = Intake(profile, [s.id for s in configuration.sources], clock)
    with make_landing(configuration, clock) as landing:
        return replay(reversed(letters), profile, formats, intake, landing)


def letters_document(profile: Profile, total: int, letters: Sequence[DeadLetter]) -> dict[str, Any]:
    """Return a list of letters for programs, without their payloads."""
    return {**identity(profile), "total": total, "letters": [_head(profile, letter) for letter in letters]}


def letter_document(profile: Profile, letter: DeadLetter) -> dict[str, Any]:
    """Return one letter for programs; its payload as text where it is text, and in base 64."""
    text: str | None
    try:
        text = letter.payload.decode()
    except UnicodeDecodeError:
        text = None
    encoded = base64.b64encode(letter.payload).decode()
    return {**identity(profile), **_head(profile, letter), "payload": text, "payload_base64": encoded}


def replayed_document(profile: Profile, done: Replayed) -> dict[str, Any]:
    """Return what became of letters for programs."""
    counts = {"letters": done.letters, "stored": done.stored, "rejected": done.rejected, "left": done.left}
    return {**identity(profile), **counts}


def gaps_document(profile: Profile, gaps: Sequence[tuple[str, GapReport]]) -> dict[str, Any]:
    """Return recorded gaps for programs; source '' is kado itself."""
    return {
        **identity(profile),
        "gaps": [
            {
                "source": source,
                "start": format_time(gap.start_ns, profile.zone),
                "end": format_time(gap.end_ns, profile.zone),
                "reason": gap.reason,
                "dropped": gap.dropped,
            }
            for source, gap in gaps
        ],
    }


def forwards_later(configuration: Configuration) -> bool:
    """Whether what is replayed waits until a kado runs that forwards it."""
    return not configuration.backend.local


def _head(profile: Profile, letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "arrival": format_time(letter.arrival_ns, profile.zone),
        "source": letter.source,
        "address": letter.address,
        "cause": letter.cause,
        "detail": letter.detail,
        "bytes": len(letter.payload),
    }
