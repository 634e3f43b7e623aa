"""Decodes messages; a message that makes the decoder itself fail becomes a dead letter, alone."""

import logging
from collections.abc import Sequence
from typing import Final

from collector.causes import Cause
from collector.payload.format import Message, PayloadFormat, Rejected
from facility.batch import Batch
from facility.source import Rejection

_LOG: Final = logging.getLogger(__name__)


def decode_each(
    payload_format: PayloadFormat, messages: Sequence[Message], arrival_ns: int
) -> tuple[Batch | None, tuple[Rejection, ...]]:
    """Decode messages; where that raises, decode halves, and reject the single message that raises.

    A format rejects by itself what it knows to be wrong. What it did not foresee is a defect in kado: it is logged
    with its traceback, and the message becomes a dead letter, since a message that is not acknowledged would come
    again without end.

    Returns
    -------
    batch
        The samples of all other messages, in order; None if there are none.
    rejected
        What had to be rejected.
    """
    try:
        return payload_format.decode(messages, arrival_ns)
    except Exception as error:
        if len(messages) == 1:
            message = messages[0]
            return None, (set_aside("message", _topic(message), message.payload, error, arrival_ns),)
    middle = len(messages) // 2
    first, first_rejected = decode_each(payload_format, messages[:middle], arrival_ns)
    second, second_rejected = decode_each(payload_format, messages[middle:], arrival_ns)
    batches = [batch for batch in (first, second) if batch is not None]
    return Batch.concat(batches) if batches else None, first_rejected + second_rejected


def set_aside(what: str, address: str, payload: bytes, error: Exception, arrival_ns: int) -> Rejection:
    """Return what failed as a rejection, and log it with its traceback.

    Parameters
    ----------
    what
        What came: a message, an update, a document.
    address
        Where it came from: a topic, a channel, an address.
    payload
        As it came, or as it can be shown; of a long one the beginning is kept.
    """
    _LOG.error("%s of %r is set aside as a dead letter: reading it failed", what, address, exc_info=error)
    rejected = Rejected(arrival_ns)
    detail = f"reading it failed ({type(error).__name__}: {error}): report it with this payload"
    rejected.add(Cause.PROCESSING_FAILED, address, payload, detail)
    return rejected.all()[0]


def _topic(message: Message) -> str:
    try:
        return message.topic
    except UnicodeDecodeError as error:
        # aiomqtt decodes the topic on each access; a broker should have refused such a topic.
        return bytes(error.object).decode(errors="backslashreplace")
