"""Records remarks, handovers and countersignatures of shifts."""

from facility.handovers import Handover, ShiftRemark, check_remark
from facility.shifts import Shift
from facility.time import Clock, system_clock
from kado.config import Configuration
from kado.journal import open_people
from kado.queries.shift import digest_of, shift_document


def add_remark(
    configuration: Configuration, shift: Shift, author: str, text: str, *, clock: Clock = system_clock
) -> ShiftRemark:
    """Record a remark on a shift; raises `HandoverError` if it is empty, or the shift was handed over."""
    with open_people(configuration, clock) as people:
        return people.add_remark(ShiftRemark(0, shift.start_ns, author, text, 0))


def hand_over(
    configuration: Configuration, shift: Shift, author: str, remarks: str, *, clock: Clock = system_clock
) -> Handover:
    """Freeze all that is known of a shift, and sign it.

    Raises
    ------
    HandoverError
        If the shift was handed over already, or nobody signs; then nothing is written.
    PeriodError
        If it has not begun.
    """
    check_remark(remarks)
    document = shift_document(configuration, shift, clock=clock)
    kept = {name: value for name, value in document.items() if name not in ("handover", "previous")}
    new = Handover(0, shift.start_ns, shift.end_ns, author, remarks, 0, digest_of(kept), kept)
    with open_people(configuration, clock) as people:
        return people.sign(new)


def countersign(
    configuration: Configuration, handover_id: int, author: str, remark: str = "", *, clock: Clock = system_clock
) -> Handover:
    """Sign a handover as the next shift; raises `HandoverError` if its author signs again, or it was done already."""
    with open_people(configuration, clock) as people:
        return people.countersign(handover_id, author, remark)
