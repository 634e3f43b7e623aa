"""The reference's outages: merged, said to be one or to be separate, cancelled, trips; and refill beside them."""

from collections import Counter
from typing import Any

from facility.corrections import Assertion
from reference_accounting import TICK
from reference_evidence import KnownBeside


class FullReference(KnownBeside):
    def book(self, states: list, number: list, _: list, became: dict) -> tuple[list[str], dict, dict]:
        cancelled = {k for a, b in self.plan.cancelled for k in range(self.tick(a), self.tick(b)) if self.user[k]}
        whole: dict[Any, tuple[int, int]] = {}  # of each outage: its first tick and its end, in or out of user time
        parts: list[list] = []  # [first tick, end, outage] in user time
        for k in range(self.n):
            signal = number[k] if states[k] == "down" else None
            if signal is not None:
                began = min(k, became.get(("began", signal), k))
                whole[signal] = (whole.get(signal, (began, k))[0], max(k + 1, became.get(("moment", signal), 0)))
            late = ("cancelled", k) if k in cancelled else None
            if late and parts and (last := [p for p in parts if isinstance(p[2], tuple)]) and last[-1][1] == k:
                late = last[-1][2]
            for outage in (signal, late):
                if outage is not None and self.user[k]:
                    open_part = [p for p in parts[-3:] if p[2] == outage and p[1] == k]
                    if open_part:
                        open_part[0][1] = k + 1
                    else:
                        parts.append([k, k + 1, outage])
        whole |= {o: (a, b) for a, b, o in parts if isinstance(o, tuple)}
        group = {o: o for _, _, o in parts}

        def unite(outages: list) -> None:
            old = {group[o] for o in outages}
            group.update({o: group[outages[0]] for o in group if group[o] in old})

        between: list[tuple[int, int, Any]] = []
        parts.sort(key=lambda p: p[:2])
        for i, (a, b, outage) in enumerate(parts):
            if isinstance(outage, tuple):
                unite([outage, *(o for _, _, o in parts if whole[o][0] <= b and a <= whole[o][1])])
            before = max(parts[:i], key=lambda p: p[1], default=None)
            if before and all(self.user[before[1] - 1 : a]) and (a - before[1]) * TICK < self.rules.merge_gap_ns:
                apart = any(s <= before[0] and b <= e for s, e in self.spans(Assertion.SEPARATE))
                if before[2] == outage or not apart:
                    unite([outage, before[2]])
                    between.append((before[1], a, outage))
        for s, e in self.spans(Assertion.ONE_EVENT):
            if touched := [o for a, b, o in parts if a < e and s < b]:
                unite(touched)
        events: dict[Any, set[int]] = {}
        for a, b, outage in [*parts, *between]:
            events.setdefault(group[outage], set()).update(range(a, b))
        # A trip goes by its span in user time, from the first to the last instant known to be without beam.
        span = {e: sum(self.user[min(t) : max(t) + 1]) * TICK for e, t in events.items()}
        failures = {e: min(t) for e, t in events.items() if span[e] >= self.rules.trip_below_ns}
        self.trips = {e: min(t) for e, t in events.items() if e not in failures}
        account = [s if u else "" for s, u in zip(states, self.user, strict=True)]
        for event, time in events.items():
            for k in time:
                spared = event in self.trips and not self.rules.trips_are_downtime
                account[k] = ("unknown" if states[k] == "unknown" else "up") if spared else "down"
        low_beams = {number[k]: k for k in reversed(range(self.n)) if account[k] == "low"}
        beside = {e: [became[what] for what in (e, ("tail", e)) if what in became] for e in low_beams}
        alone = {e: k for e, k in low_beams.items() if not any(b in group for b in beside[e])}
        self.refill = [w == "refill" for w in self.words(self.mode)]
        for k in range(self.n):
            if self.refill[k] and not self.rules.refill_is_delivered and account[k] in ("up", "low"):
                account[k] = "refill"
        return account, failures, alone

    def availability_pct(self, account: list[str]) -> float | None:
        time = Counter(account[slice(*self.period)])
        delivered, known = time["up"] + time["low"], time["up"] + time["low"] + time["down"] + time["refill"]
        return 100 * delivered / known if known else None
