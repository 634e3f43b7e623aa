"""What stands when a live simulator starts: the last report of each state that is reported on change."""

from facility.time import NS_PER_DAY
from simulators.machine import Machine, cut
from simulators.outlets.sample import Sample


def standing_states(machine: Machine, at_ns: int) -> tuple[Sample, ...]:
    """Return the last sample before an instant of each state signal, with its own stamp, in order of the signals.

    They are part of the history before that instant, so a client that reads them learns nothing that was not sent.
    The machine mode is left out: it is repeated each minute. A signal that said nothing for a day is left out, too.
    """
    wanted = [
        s for s in machine.signals if machine.profile.signal(s).type == "state" and s != machine.profile.mode_signal
    ]
    found: dict[str, Sample] = {}
    today = at_ns // NS_PER_DAY
    for day in (today, today - 1):
        if len(found) == len(wanted):
            break
        for name, samples in cut(machine.day(day), day * NS_PER_DAY, at_ns).by_signal():
            word = samples.state_words()[-1]
            if name in wanted and name not in found and word is not None:
                found[name] = Sample(name, int(samples.time_ns[-1]), word, "good")
    return tuple(found[name] for name in wanted if name in found)
