"""The alarm rules of one facility: read, checked against what it has, ranked, with a fingerprint."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Final

from facility.alarms.conditions import Leaf, LimitCondition, RateCondition, StateCondition, leaves
from facility.alarms.facts import FIGURES
from facility.alarms.rule import AlarmFile, AlarmRule, with_class_defaults
from facility.alarms.series import SeriesTable
from facility.documents import build, parse_toml, read_toml
from facility.errors import AlarmRuleError
from facility.nearest import nearest
from facility.sentence import Sentence

MAX_BYTES: Final = 16 << 20
"""Of a file of rules; some 50,000 rules."""


@dataclass(frozen=True, eq=False)
class AlarmRules:
    """Rules that were checked against the series of their facility; use `of`, `parse` or `load`."""

    rules: tuple[AlarmRule, ...]
    """In the order of the file."""
    table: SeriesTable
    """What the rules may read."""

    @classmethod
    def of(cls, rules: Sequence[AlarmRule], table: SeriesTable) -> "AlarmRules":
        """Check rules against what their facility has.

        Raises
        ------
        AlarmRuleError
            With a line for each id used twice, each series, word, fact, figure or alarm that does not exist (and the
            nearest right one), and each circle of inhibitions.
        """
        problems = [*_twice(rules), *(line for rule in rules for line in _problems(rule, rules, table))]
        problems += [] if problems else _circles(rules)
        if problems:
            raise AlarmRuleError(Sentence.joined(problems))
        return cls(tuple(rules), table)

    @classmethod
    def parse(cls, text: str, table: SeriesTable, name: str = "alarm rules") -> "AlarmRules":
        """Read rules from the text of one TOML file; `name` says in messages which it was.

        Raises
        ------
        AlarmRuleError
            If it is not TOML, or a rule is wrong.
        """
        return cls.of(_read([(name, parse_toml(text, name, AlarmRuleError))]), table)

    @classmethod
    def load(cls, paths: Iterable[Path], table: SeriesTable) -> "AlarmRules":
        """Read rules from TOML files, in their order.

        Raises
        ------
        AlarmRuleError
            If one cannot be read, is not TOML, or a rule is wrong.
        """
        documents: list[tuple[str, dict[str, Any]]] = []
        for path in paths:
            if not path.exists():
                raise AlarmRuleError(Sentence("{path} does not exist: write it, or correct [alarms] rules", path=path))
            documents.append((str(path), read_toml(path, AlarmRuleError, MAX_BYTES)))
        return cls.of(_read(documents), table)

    @classmethod
    def shipped(cls, profile_id: str, table: SeriesTable) -> "AlarmRules":
        """Return the rules that come with kado for a profile, those of a machine for its simulation, too.

        Raises
        ------
        AlarmRuleError
            If none come with it.
        """
        known = shipped_rules()
        name = profile_id if profile_id in known else profile_id.removesuffix("_sim")
        if name not in known:
            raise AlarmRuleError(
                Sentence(
                    "no alarm rules come with profile {profile_id!r}: they come with {known}; name your "
                    "own in [alarms] rules",
                    profile_id=profile_id,
                    known=", ".join(known),
                )
            )
        text = (resources.files("facility.alarms") / f"{name}.toml").read_text(encoding="utf-8")
        return cls.parse(text, table, f"alarm rules {profile_id}")

    @cached_property
    def by_id(self) -> dict[str, AlarmRule]:
        """Each rule by its id."""
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def ranked(self) -> tuple[AlarmRule, ...]:
        """The rules in the order in which they are decided: sources of inhibition first, else as in the file.

        A rule's rank is 0 if nothing inhibits it, else one more than the highest rank among its sources.
        """
        ranks: dict[str, int] = {}

        def rank(rule: AlarmRule) -> int:
            if rule.id not in ranks:
                ranks[rule.id] = 1 + max((rank(self.by_id[source]) for source in rule.inhibited_by), default=-1)
            return ranks[rule.id]

        return tuple(sorted(self.rules, key=rank))

    @property
    def text(self) -> str:
        """The rules as JSON, one a line, defaults of classes filled in: what the journal keeps.

        It is not kept: that of ten thousand rules takes 6 MB and more.
        """
        return "\n".join(_line(rule) for rule in self.rules)

    @cached_property
    def fingerprint(self) -> str:
        """The same for the same rules, however they are written: 16 hexadecimal digits."""
        return self._digest.hex()[:16]

    @cached_property
    def _digest(self) -> bytes:
        """SHA-256 of `text`, without having the whole of it in memory."""
        digest = hashlib.sha256()
        for i, rule in enumerate(self.rules):
            digest.update(f"{chr(10) if i else ''}{_line(rule)}".encode())
        return digest.digest()

    def __len__(self) -> int:
        return len(self.rules)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AlarmRules) and self.table is other.table and self._digest == other._digest

    def __hash__(self) -> int:
        return hash((id(self.table), self._digest))


def shipped_rules() -> tuple[str, ...]:
    """Return the ids of the profiles that alarm rules come with."""
    files = resources.files("facility.alarms").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


def _line(rule: AlarmRule) -> str:
    return rule.model_dump_json(by_alias=True, exclude_defaults=True)


def _read(documents: Sequence[tuple[str, dict[str, Any]]]) -> list[AlarmRule]:
    classes = [table for _, d in documents if isinstance(d.get("class"), list) for table in d["class"]]
    rules: list[AlarmRule] = []
    for name, document in documents:
        # Defaults of a class hold in all files; each file's own classes are checked with it.
        build(AlarmFile, {"class": document.get("class", [])}, name, AlarmRuleError)
        filled = with_class_defaults({**document, "class": classes})
        rules += build(AlarmFile, {**filled, "class": document.get("class", [])}, name, AlarmRuleError).alarms
    return rules


def _twice(rules: Sequence[AlarmRule]) -> list[Sentence]:
    ids = [rule.id for rule in rules]
    return [
        Sentence("alarm {alarm!r} is described {n} times: use each id once", alarm=i, n=ids.count(i))
        for i in sorted(set(ids))
        if ids.count(i) > 1
    ]


def _problems(rule: AlarmRule, rules: Sequence[AlarmRule], table: SeriesTable) -> list[Sentence]:
    found: list[Sentence] = []
    for leaf in leaves(rule.when):
        found += _reading(leaf, table)
    ids = [other.id for other in rules]
    found += [
        Sentence("inhibited_by: no alarm {alarm!r}; {hint}", alarm=i, hint=nearest(i, ids))
        for i in rule.inhibited_by
        if i not in ids
    ]
    if rule.in_mode is not None:
        if table.mode_signal is None:
            found.append(Sentence("in_mode: the profile names no mode_signal; leave in_mode out, or name one"))
        else:
            spec = table.series.get(table.mode_signal)
            words = spec.words if spec is not None else ()
            found += [
                Sentence(
                    "in_mode: {word!r} is not a word of {signal!r}; {hint}",
                    word=word,
                    signal=table.mode_signal,
                    hint=nearest(word, words),
                )
                for word in _strange(rule.in_mode, words)
            ]
    return [Sentence("alarm {alarm!r}: {problem}", alarm=rule.id, problem=line) for line in found]


def _reading(leaf: Leaf, table: SeriesTable) -> list[Sentence]:
    if leaf.fact is not None:
        if leaf.fact in table.facts:
            return []
        return [Sentence("no fact {fact!r}; {hint}", fact=leaf.fact, hint=nearest(leaf.fact, table.facts))]
    if leaf.figure is not None:
        found: list[Sentence] = []
        if leaf.figure not in FIGURES and leaf.series not in table.series:
            hint = nearest(leaf.figure, FIGURES)
            found.append(Sentence("no figure {figure!r}; {hint}", figure=leaf.figure, hint=hint))
        if isinstance(leaf, StateCondition):
            found.append(Sentence("figure {figure!r} is a number: use kind = 'limit'", figure=leaf.figure))
        return found
    spec = table.series.get(leaf.series)
    if spec is None:
        signals = [s.name for s in table.series.values() if s.kind != "fact"]
        return [Sentence("no signal {signal!r}; {hint}", signal=leaf.series, hint=nearest(leaf.series, signals))]
    if isinstance(leaf, LimitCondition | RateCondition) and spec.kind == "state":
        return [
            Sentence(
                "signal {signal!r} is a state: use kind = 'state' with words among {words}",
                signal=leaf.series,
                words=list(spec.words),
            )
        ]
    if isinstance(leaf, StateCondition):
        if spec.kind == "number":
            return [
                Sentence("signal {signal!r} is a number: use kind = 'limit' with above or below", signal=leaf.series)
            ]
        return [
            Sentence(
                "{word!r} is not a word of signal {signal!r}; {hint}",
                word=word,
                signal=leaf.series,
                hint=nearest(word, spec.words),
            )
            for word in _strange(leaf.words, spec.words)
        ]
    if isinstance(leaf, LimitCondition | RateCondition) and table.limit_names is not None:
        names = table.limit_names
        return [
            Sentence("the facility has no limit {limit!r}; {hint}", limit=limit, hint=nearest(limit, names))
            for limit in _strange(leaf.names, names)
        ]
    return []


def _strange(words: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return each word that is not known; where nothing is known, every word may be."""
    return [word for word in words if known and word not in known]


def _circles(rules: Sequence[AlarmRule]) -> list[Sentence]:
    sources = {rule.id: rule.inhibited_by for rule in rules}
    done: set[str] = set()

    def walk(alarm: str, path: tuple[str, ...]) -> tuple[str, ...] | None:
        if alarm in path:
            return (*path[path.index(alarm) :], alarm)
        if alarm in done:
            return None
        for source in sources[alarm]:
            if (circle := walk(source, (*path, alarm))) is not None:
                return circle
        done.add(alarm)
        return None

    for rule in rules:
        if (circle := walk(rule.id, ())) is not None:
            return [
                Sentence(
                    "alarms inhibit each other in a circle: {circle}; remove one inhibited_by",
                    circle=" ← ".join(circle),
                )
            ]
    return []
