"""Handing over a shift: what one person leaves to the next, frozen when it is signed."""

from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from facility.corrections import same_person
from facility.errors import HandoverError
from facility.sentence import Sentence
from facility.time import format_second
from facility.written_text import LONGEST_REMARK, check_line, check_text


@dataclass(frozen=True, slots=True)
class ShiftRemark:
    """A line that somebody wrote into the log of a shift."""

    id: int
    """Given by the journal; 0 before it is recorded."""
    shift_start_ns: int
    author: str
    text: str
    recorded_at_ns: int


@dataclass(frozen=True, slots=True)
class Countersignature:
    """The next shift has read a handover."""

    handover_id: int
    author: str
    remark: str
    recorded_at_ns: int


@dataclass(frozen=True, slots=True)
class Handover:
    """A shift that was handed over; kept for good."""

    id: int
    """Given by the journal; 0 before it is recorded."""
    shift_start_ns: int
    shift_end_ns: int
    author: str
    """Who signed."""
    remarks: str
    recorded_at_ns: int
    digest: str
    """SHA-256 of `document`."""
    document: dict[str, Any] = field(default_factory=dict[str, Any])
    """As ``kado shift --format json`` gave it when it was signed."""
    countersigned: Countersignature | None = None
    """None until the next shift has signed, too."""


def check_remark(text: str, *, needed: bool = False) -> str:
    """Return a remark without white space around it.

    Raises
    ------
    HandoverError
        If it is longer than `LONGEST_REMARK`, holds characters that are no text, or is empty although it is `needed`.
    """
    text = text.replace("\r\n", "\n").strip()
    if needed and not text:
        raise HandoverError(Sentence("the remark is empty: write what the next shift should know"))
    check_text(Sentence("the remark"), text, HandoverError, longest=LONGEST_REMARK)
    return text


def check_shift_remark(new: ShiftRemark) -> None:
    """Refuse a remark that nobody signs.

    Raises
    ------
    HandoverError
        If the author's name is missing or no name.
    """
    if not new.author.strip():
        raise HandoverError(Sentence("a remark needs the name of the person who writes it"))
    check_line(Sentence("the author's name"), new.author, HandoverError)


def check_handover(new: Handover, earlier: Handover | None, now_ns: int, zone: tzinfo | None = None) -> None:
    """Refuse a handover of a shift that has not begun, or that was handed over already.

    Parameters
    ----------
    zone
        Of the times in messages, the facility's; None: UTC.

    Raises
    ------
    HandoverError
        Naming the shift.
    """
    if not new.author.strip():
        raise HandoverError(Sentence("a handover needs the name of the person who signs"))
    check_line(Sentence("the name of the person who signs"), new.author, HandoverError)
    if new.shift_start_ns > now_ns:
        raise HandoverError(
            Sentence("the shift that begins {start} has not begun", start=format_second(new.shift_start_ns, zone))
        )
    if earlier is not None:
        raise HandoverError(
            Sentence(
                "the shift that began {start} was handed over already, by {author} on {time}: add a remark to the next"
                " shift instead",
                start=format_second(new.shift_start_ns, zone),
                author=earlier.author,
                time=format_second(earlier.recorded_at_ns, zone),
            )
        )


def check_countersignature(new: Countersignature, of: Handover, zone: tzinfo | None = None) -> None:
    """Refuse a countersignature that comes twice, or from the person who handed over.

    Parameters
    ----------
    zone
        Of the times in messages, the facility's; None: UTC.

    Raises
    ------
    HandoverError
        Naming both people.
    """
    if not new.author.strip():
        raise HandoverError(Sentence("a countersignature needs the name of the person who signs"))
    check_line(Sentence("the name of the person who signs"), new.author, HandoverError)
    if of.countersigned is not None:
        before = of.countersigned
        raise HandoverError(
            Sentence(
                "handover #{id} was countersigned already, by {author} on {time}",
                id=of.id,
                author=before.author,
                time=format_second(before.recorded_at_ns, zone),
            )
        )
    if same_person(new.author, of.author):
        raise HandoverError(
            Sentence(
                "handover #{id} was signed by {author}: another person must countersign it", id=of.id, author=of.author
            )
        )
