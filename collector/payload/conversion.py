"""Units and words of a source into those of the profile, on the samples of any format."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from collector.payload.format import Message, PayloadFormat
from facility.batch import NO_WORD, Batch, Float64
from facility.source import Rejection


class ConvertedFormat:
    """Reads a format, and converts what it reads.

    Parameters
    ----------
    payload_format
        The format.
    scale, offset
        (n,) by the code of the signal: numbers are multiplied, then added to.
    words
        For each signal, what a state of the source is called in the profile; others stay as they are.
    """

    def __init__(
        self, payload_format: PayloadFormat, scale: Float64, offset: Float64, words: Sequence[Mapping[str, str]]
    ) -> None:
        self._format = payload_format
        self._scale = scale
        self._offset = offset
        self._words = words

    def decode(self, messages: Sequence[Message], arrival_ns: int) -> tuple[Batch | None, tuple[Rejection, ...]]:
        """Return the samples of messages, in order, and what had to be rejected."""
        batch, rejected = self._format.decode(messages, arrival_ns)
        return None if batch is None else self._converted(batch), rejected

    def _converted(self, batch: Batch) -> Batch:
        value = batch.value * self._scale[batch.signal] + self._offset[batch.signal]
        if not any(self._words) or not bool((batch.state != NO_WORD).any()):
            return replace(batch, value=value)
        codes = {word: code for code, word in enumerate(batch.words)}
        width = len(batch.words) + 1
        pairs, which = np.unique(batch.signal.astype(np.int64) * width + batch.state + 1, return_inverse=True)
        found: list[int] = pairs.tolist()
        states: list[int] = []
        for signal, word in (divmod(pair, width) for pair in found):
            text = batch.words[word - 1] if word else ""
            named = self._words[signal].get(text, text)
            states.append(codes.setdefault(named, len(codes)) if word else NO_WORD)
        return replace(batch, words=tuple(codes), value=value, state=np.array(states, np.int32)[which])
