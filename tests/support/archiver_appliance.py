"""A server that answers as the retrieval of the EPICS Archiver Appliance does.

After its documentation: "Fetch data" (the questions and the JSON), "The .pb file format and the .pbraw binary protocol"
(escapes, chunks apart by an empty line), and ``EPICSEvent.proto`` (the messages, here made by Google's own library).
"""

import json
from calendar import timegm
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from facility.time import NS_PER_S, parse_time
from json_server import JsonServer

_Field = descriptor_pb2.FieldDescriptorProto
VALUES = {
    "SCALAR_STRING": (0, _Field.TYPE_STRING),
    "SCALAR_SHORT": (1, _Field.TYPE_SINT32),
    "SCALAR_FLOAT": (2, _Field.TYPE_FLOAT),
    "SCALAR_ENUM": (3, _Field.TYPE_SINT32),
    "SCALAR_BYTE": (4, _Field.TYPE_BYTES),
    "SCALAR_INT": (5, _Field.TYPE_SFIXED32),
    "SCALAR_DOUBLE": (6, _Field.TYPE_DOUBLE),
}


def _messages() -> dict[str, Any]:
    """Return the classes of header and samples, from the same numbers and types as EPICSEvent.proto."""
    file = descriptor_pb2.FileDescriptorProto(name="EPICSEvent.proto", package="EPICSEvent", syntax="proto2")

    def message(name: str, *fields: tuple[str, int, Any, Any]) -> None:
        made = file.message_type.add(name=name)
        for label, number, kind, rule in fields:
            made.field.add(name=label, number=number, type=kind, label=rule)

    required, optional = _Field.LABEL_REQUIRED, _Field.LABEL_OPTIONAL
    message(
        "PayloadInfo",
        ("type", 1, _Field.TYPE_INT32, required),
        ("pvname", 2, _Field.TYPE_STRING, required),
        ("year", 3, _Field.TYPE_INT32, required),
        ("elementCount", 4, _Field.TYPE_INT32, optional),
    )
    for name, (_, kind) in VALUES.items():
        message(
            name,
            ("secondsintoyear", 1, _Field.TYPE_UINT32, required),
            ("nano", 2, _Field.TYPE_UINT32, required),
            ("val", 3, kind, required),
            ("severity", 4, _Field.TYPE_INT32, optional),
            ("status", 5, _Field.TYPE_INT32, optional),
            ("repeatcount", 6, _Field.TYPE_UINT32, optional),
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = (pool.FindMessageTypeByName(f"EPICSEvent.{name}") for name in ("PayloadInfo", *VALUES))
    return {d.name: message_factory.GetMessageClass(d) for d in found}


MESSAGES = _messages()


def escaped(message: Any) -> bytes:
    raw: bytes = message.SerializeToString()
    return raw.replace(b"\x1b", b"\x1b\x01").replace(b"\n", b"\x1b\x02").replace(b"\r", b"\x1b\x03")


@dataclass
class Archived:
    """A PV: (time_ns, value, severity, status), in order of time."""

    samples: list[tuple[int, Any, int, int]]
    type: str = "SCALAR_DOUBLE"


@dataclass
class ArchiverAppliance(JsonServer):
    """Answers from what `pvs` holds."""

    pvs: dict[str, Archived] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self.fails_after: int | None = None
        self.questions: list[dict[str, str]] = []

    @property
    def retrieval(self) -> str:
        return f"{self.url}/retrieval"

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        if self.token is not None and headers.get("Authorization") != f"Bearer {self.token}":
            return 401, b""
        parts = urlsplit(path)
        if parts.path == "/retrieval/bpl/getVersion":
            return 200, json.dumps({"retrieval_version": "Archiver Appliance Version 1.1.0"}).encode()
        if self.fails_after is not None and len(self.questions) >= self.fails_after:
            return 503, b""
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.questions.append(asked)
        archived = self.pvs.get(asked["pv"])
        if archived is None:
            return 404, b""
        start, end = parse_time(asked["from"]), parse_time(asked["to"])
        inside = [s for s in archived.samples if start <= s[0] <= end]
        # The value at the beginning: the appliance sends the sample before it, too.
        found = [s for s in archived.samples if s[0] < start][-1:] + inside
        if parts.path.endswith(".json"):
            data = [
                {"secs": t // NS_PER_S, "val": v, "nanos": t % NS_PER_S, "severity": severity, "status": status}
                for t, v, severity, status in found
            ]
            return 200, json.dumps([{"meta": {"name": asked["pv"], "PREC": "3"}, "data": data}]).encode()
        return 200, self._raw(asked["pv"], archived.type, found)

    def _raw(self, pv: str, kind: str, samples: list[tuple[int, Any, int, int]]) -> bytes:
        chunks: list[bytes] = []
        years: dict[int, list[tuple[int, Any, int, int]]] = {}
        for sample in samples:
            year = next(y for y in range(1970, 2300) if sample[0] < timegm((y + 1, 1, 1, 0, 0, 0)) * NS_PER_S)
            years.setdefault(year, []).append(sample)
        for year, own in years.items():
            header = MESSAGES["PayloadInfo"](type=VALUES[kind][0], pvname=pv, year=year)
            lines = [escaped(header)]
            for time_ns, value, severity, status in own:
                seconds, nano = divmod(time_ns - timegm((year, 1, 1, 0, 0, 0)) * NS_PER_S, NS_PER_S)
                sample = MESSAGES[kind](secondsintoyear=seconds, nano=nano, val=value)
                if severity:
                    sample.severity, sample.status = severity, status
                lines.append(escaped(sample))
            chunks.append(b"\n".join(lines) + b"\n")
        return b"\n".join(chunks)
