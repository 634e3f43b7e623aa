"""Makes docs/reports/*: sample reports of simulated facilities, with pictures of their first pages.

Run it after a report has changed: ``make reports`` (some minutes; needs pdftoppm, and the type face of reports).
All of it is simulated, and marked so. The clock stands still, so that the same kado makes the same files again.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from facility.incidents import Incident
from facility.schedule import Category, ScheduleVersion
from facility.text import Language
from facility.time import NS_PER_S, parse_time
from kado.config import Configuration, load_configuration
from kado.queries.report import load_report
from kado.report.forms import Form, render
from kado.report.life import current_report
from kado.service.simulated_history import fill_history
from simulators.machine import Machine
from simulators.scenario import load_scenario
from storage.data_dir import DataDir
from storage.journal.journal import Journal

HERE: Final = Path(__file__).parent
SEED: Final = 1
PLANNED_ON: Final = parse_time("2024-02-01T10:00:00+09:00")
"""When the calendar was recorded."""
MADE_ON: Final = parse_time("2025-04-10T09:00:00+09:00")
"""When everything else was recorded, and the date that reports are as known on."""
LEAST_INCIDENT_NS: Final = 60 * NS_PER_S

SCENARIO: Final = """
id = "{id}"
title = {{ en = "Sample of a report", ja = "報告書の見本" }}
period = {{ from = {start}T00:00:00+09:00, to = {end}T00:00:00+09:00 }}
{calendar}
{faults}
"""
FAULT: Final = """
[[fault]]
cause = "{cause}"
effect = "{effect}"
{when}
length_s = {{ median = {median}, spread = {spread}, min = {least}, max = {most} }}
"""
OF_THE_CAUSE: Final[dict[Language, dict[str, tuple[str, str, str]]]] = {
    "en": {
        "rf": ("Cavity trip", "discharge at the coupler", "Conditioned, interlock threshold checked"),
        "vacuum": ("Pressure above its limit", "gauge defective", "Gauge exchanged"),
        "injector": ("No injection", "kicker power supply", "Power supply exchanged"),
        "ion_source": ("Ion source at its end of life", "filament worn", "Filament exchanged"),
        "target": ("Cooling water of the target", "leak at a joint", "Leak closed, commissioned again"),
    },
    "ja": {
        "rf": ("空洞トリップ", "カプラ部の放電", "コンディショニング後に復帰"),
        "vacuum": ("真空悪化", "真空計の不良", "真空計を交換"),
        "beamline_interlock": ("インターロック作動", "扉スイッチの接触不良", "スイッチを交換"),
        "magnet_supply": ("電磁石電源の停止", "冷却水流量の低下", "フィルターを清掃"),
        "timing": ("トリガー信号の欠落", "送信モジュールの故障", "モジュールを交換"),
        "klystron": ("クライストロンのトリップ", "高圧部の放電", "コンディショニング後に復帰"),
    },
}
"""Title, cause and action of incidents; the failures of other causes are left without one."""
COMPONENTS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "rf": "RF cavity 1",
        "vacuum": "Vacuum gauge 1",
        "injector": "Kicker supply 1",
        "ion_source": "Ion source 1",
        "target": "Target cooling loop 1",
    },
    "ja": {
        "rf": "高周波空洞1",
        "vacuum": "真空計1",
        "beamline_interlock": "BLインターロック1",
        "magnet_supply": "電磁石電源1",
        "timing": "タイミング送信器1",
        "klystron": "クライストロン1",
    },
}
"""What failed, by cause, as a shift writes it."""


def fault(cause: str, per_month: float, median: int, most: int = 14_400, effect: str = "beam_dump") -> str:
    """Return a fault that comes at random."""
    return FAULT.format(
        cause=cause, effect=effect, when=f"per_month = {per_month}", median=median, spread=2.0, least=120, most=most
    )


def once(cause: str, at: str, seconds: int, effect: str = "beam_dump") -> str:
    """Return a fault at a stated time."""
    return FAULT.format(
        cause=cause, effect=effect, when=f"at = [{at}]", median=seconds, spread=1, least=seconds, most=seconds
    )


@dataclass(frozen=True)
class Sample:
    """One report."""

    name: str
    says: str
    """What it shows."""
    facility: str
    start: str
    end: str
    """First day that is simulated, and the first one that is not."""
    period: str
    language: Language
    faults: tuple[str, ...] = ()
    calendar: str = ""
    scenario: str | None = None
    """A shipped one; None: of the faults above."""
    forms: tuple[Form, ...] = (Form.PDF,)
    """Empty: simulated only to stand beside another one."""


YEAR: Final = ("2024-04-01", "2025-04-01", "FY2024")
SAMPLES: Final = (
    Sample(
        "month-without-failure", "A month without a failure", "nanoterasu_sim", "2024-05-20", "2024-07-01", "2024-06",
        "ja", (once("rf", "2024-05-29T13:10:00+09:00", 900),), forms=(Form.PDF, Form.HTML),
    ),
    Sample(
        "month-with-fifty-failures", "A month with fifty failures", "nanoterasu_sim", "2024-10-01", "2024-12-01",
        "2024-11", "en",
        (fault("rf", 54, 600), fault("vacuum", 7, 3_600), fault("injector", 6, 1_800, effect="no_injection")),
    ),
    Sample(
        "month-half-unknown", "A month, half of it unknown", "nanoterasu_sim", "2024-10-01", "2024-12-01", "2024-11",
        "ja", (fault("rf", 6, 900), once("network", "2024-11-01T00:00:00+09:00", 1_300_000, "link_outage")),
    ),
    Sample(
        "month-of-shutdown", "A month of shutdown, without user time", "nanoterasu_sim", "2024-04-01", "2024-07-01",
        "2024-06", "en", (fault("rf", 2, 900),), "[calendar]\nshutdowns = [{ from = 2024-05-25, to = 2024-07-01 }]",
    ),
    Sample("year-of-nanoterasu", "A fiscal year of a storage ring", "nanoterasu_sim", *YEAR, "ja", scenario="fy2024"),
    Sample(
        "year-of-mlf", "A fiscal year of a spallation source", "mlf_sim", *YEAR, "en",
        (fault("ion_source", 3, 1_800), fault("rf", 4, 900), once("target", "2024-11-13T14:20:00+09:00", 86_400)),
    ),
    Sample(
        "year-of-sacla", "A fiscal year of a free-electron laser", "sacla_sim", *YEAR, "ja",
        (fault("klystron", 3, 600), fault("timing", 1, 1_800)),
    ),
    Sample(
        "year-of-spring8", "Stands beside NanoTerasu alone", "spring8_sim", *YEAR, "ja",
        (fault("rf", 1, 900), fault("magnet_supply", 0.5, 2_400)), forms=(),
    ),
)  # fmt: skip
SIGNATURES: Final[dict[Language, list[str]]] = {
    "ja": ["作成 運転責任者", "確認 加速器グループ長", "承認 施設長"],
    "en": ["Made by: operation", "Checked by: accelerator group", "Approved by: director"],
}
BESIDE: Final = ("year-of-nanoterasu", ("year-of-spring8", "year-of-sacla", "year-of-mlf"))
"""The report in which other facilities stand."""


class TaggedMachine(Machine):
    """A machine whose calendar says for whom user time is: two runs for the coalition, then one that is shared."""

    def schedule(self, start_ns: int, end_ns: int) -> tuple[ScheduleVersion, ...]:
        """Return the calendar, its user time tagged."""
        versions = super().schedule(start_ns, end_ns)
        if self.profile.id != "nanoterasu_sim":
            return versions
        tagged: list[ScheduleVersion] = []
        for version in versions:
            users = 0
            blocks = list(version.blocks)
            for i, block in enumerate(blocks):
                if block.category is Category.USER:
                    users += 1
                    blocks[i] = replace(block, tags=("shared" if users % 3 == 0 else "coalition",))
            tagged.append(ScheduleVersion.of(version.published_at_ns, blocks))
        return tuple(tagged)


def simulate(sample: Sample, folder: Path) -> Configuration:
    """Make the data of a sample."""
    scenario = sample.scenario
    if scenario is None:
        path = folder / "scenario.toml"
        faults = "".join(sample.faults)
        path.write_text(
            SCENARIO.format(
                id=sample.name.replace("-", "_"),
                start=sample.start,
                end=sample.end,
                calendar=sample.calendar,
                faults=faults,
            ),
            encoding="utf-8",
        )
        scenario = str(path)
    report = f"[report]\nsignatures = {json.dumps(SIGNATURES[sample.language], ensure_ascii=False)}\n"
    if sample.name == BESIDE[0]:
        report += f"beside = {json.dumps([f'../{name}/kado.toml' for name in BESIDE[1]])}\n"
    text = f'facility = "{sample.facility}"\n\n[[source]]\nid = "machine"\nkind = "simulator"\n\n{report}'
    (folder / "kado.toml").write_text(text, encoding="utf-8")
    configuration = load_configuration(folder / "kado.toml")
    machine = TaggedMachine(configuration.profile, load_scenario(scenario), SEED)
    start_ns, end_ns = (parse_time(f"{day}T00:00:00+09:00") for day in (sample.start, sample.end))
    DataDir(configuration.data_dir).path.mkdir(parents=True, exist_ok=True)
    with Journal.open(DataDir(configuration.data_dir).journal, lambda: PLANNED_ON, configuration.profile.id) as journal:
        journal.add_schedule_versions(machine.schedule(start_ns, end_ns), "Planning", "simulator")
    fill_history(configuration, machine, start_ns, end_ns, lambda: MADE_ON)
    with Journal.open(DataDir(configuration.data_dir).journal, lambda: MADE_ON, configuration.profile.id) as journal:
        for found in machine.faults(start_ns, end_ns):
            told = OF_THE_CAUSE[sample.language].get(found.cause)
            if told is not None and found.end_ns - found.start_ns > LEAST_INCIDENT_NS:
                title, cause, resolution = told
                journal.add_incident(
                    Incident(
                        id=0, start_ns=found.start_ns, end_ns=found.end_ns, system=found.cause,
                        component=COMPONENTS[sample.language][found.cause], title=title, cause_text=cause,
                        resolution=resolution, author="当直" if sample.language == "ja" else "Shift", recorded_at_ns=0,
                        root_cause=True,
                    )
                )  # fmt: skip
    return configuration


def write(sample: Sample, configuration: Configuration) -> None:
    """Write the files of a sample, and a picture of its first page."""
    inputs = load_report(configuration, sample.period, clock=lambda: MADE_ON)
    report = current_report(configuration, inputs, sample.language)
    for form in sample.forms:
        (HERE / f"{sample.name}.{form.value}").write_bytes(render(report, form))
    picture = HERE / sample.name
    command = ["pdftoppm", "-r", "60", "-png", "-f", "1", "-l", "1", "-singlefile", f"{picture}.pdf", str(picture)]
    subprocess.run(command, check=True)


def page() -> str:
    """Return the page that lists the samples."""
    lines = [
        "# Sample reports",
        "",
        "Reports of **simulated** facilities, as `kado report` makes them; none of their figures was ever measured. "
        "`make reports` makes them again.",
        "",
    ]
    for s in (s for s in SAMPLES if s.forms):
        others = "".join(f", [{f.value.upper()}]({s.name}.{f.value})" for f in s.forms if f is not Form.PDF)
        picture = f"![First page of the report: {s.says[0].lower()}{s.says[1:]}, simulated]({s.name}.png)"
        lines += [f"## {s.says}", "", f"[PDF]({s.name}.pdf){others}", "", picture, ""]
    lines += ["How to make your own: [Make the monthly report](../how-to/make-the-monthly-report.md)."]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Make all samples, or those that are named."""
    wanted = sys.argv[1:] or [s.name for s in SAMPLES if s.forms]
    with tempfile.TemporaryDirectory() as work:
        made: dict[str, Configuration] = {}
        for sample in SAMPLES:
            needed = sample.name in wanted or (BESIDE[0] in wanted and sample.name in BESIDE[1])
            if needed:
                folder = Path(work) / sample.name
                folder.mkdir()
                made[sample.name] = simulate(sample, folder)
        for sample in SAMPLES:
            if sample.name in wanted:
                write(sample, made[sample.name])
                print(sample.name, flush=True)
    (HERE / "README.md").write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
