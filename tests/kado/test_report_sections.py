"""What stands in a report beside its figures: alarms, corrections with their effect, other facilities, sentences."""

import html
import re
import shutil
import zipfile
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from analytics.cadence import Cadence
from analytics.limits_age import FarAboveLimits, LimitsBeforeMilestone
from command_line import Kado
from facility.alarms import AlarmState, Cause, Priority, Transition
from facility.errors import ConfigError, KadoError
from facility.profile import Milestone
from facility.schedule import Category, ScheduleVersion, resolve
from facility.text import Language, Text
from facility.time import NS_PER_DAY, NS_PER_H, NS_PER_S, parse_time
from kado.config import load_configuration
from kado.language import in_language
from kado.queries.availability import Budget, WithoutBackDated
from kado.queries.report import ReportInputs, load_report
from kado.report import beside_sections, figure_sections, record_sections, time_sections
from kado.report.cells import period_words
from kado.report.content import Layout, make_report
from kado.report.forms import Form, render
from kado.report.model import Kind, Section, Table
from kado.report.pictures import to_png
from kado.report.sentences import headline, length_words, summary
from kado.report.typeface import FAMILY, FILES, find_typeface
from kado.report.xlsx import _sheet_name
from kado.rounding import percent
from storage.journal.alarms import AlarmJournal, transition_row

PERIOD = "2026-11-11T00:00:00+09:00/2026-11-14T00:00:00+09:00"
AT = parse_time("2026-11-12T03:00:00+09:00")
RAISED = Transition(
    time_ns=AT,
    alarm="beam_lost",
    from_state=AlarmState.NORMAL,
    to_state=AlarmState.UNACKED,
    cause=Cause.RAISED,
    seq=1,
    occurrence=1,
    priority=Priority.CRITICAL,
    class_="beam",
    annunciated=True,
)


def settings(text: str) -> None:
    with Path("kado.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")


def read(period: str = PERIOD) -> ReportInputs:
    return load_report(load_configuration(), period)


def table(section: Section | None, name: str) -> Table:
    assert section is not None
    return next(t for t in section.tables if t.id == name)


@pytest.fixture(scope="module")
def inputs(_simulated_folder: Path) -> ReportInputs:
    """Everything that the report of the three days says, read once."""
    return load_report(load_configuration(_simulated_folder / "kado.toml"), PERIOD, None)


class TestAlarms:
    def test_without_alarms_there_is_no_section(self, inputs: ReportInputs) -> None:
        assert beside_sections.alarms(inputs) is None

    def test_no_alarm_raised_is_a_sentence(self, simulated: Kado) -> None:
        settings("[alarms]")
        section = beside_sections.alarms(read())
        assert section is not None
        assert section.paragraphs == ("No alarm was raised.",)

    def test_the_alarms_of_the_period_stand_beside_the_targets(self, simulated: Kado) -> None:
        settings("[alarms]")
        with AlarmJournal.open(Path("data/journal.db"), "nanoterasu_sim") as journal:
            rows = [replace(RAISED, time_ns=AT + i * 3600 * NS_PER_S, seq=i + 1) for i in range(3)]
            rows += [replace(RAISED, alarm="low_beam", time_ns=AT + 5 * NS_PER_S, seq=1)]
            # Before the period, so not of it.
            rows += [replace(RAISED, alarm="vacuum_high", time_ns=AT - 9 * NS_PER_DAY)]
            journal.add_rows(("transition", transition_row(row, "f")) for row in rows)
        found = read()
        section = beside_sections.alarms(found)
        figures = table(section, "alarms").frame
        assert list(figures["value"][:2]) == [4, 4 / 3]
        assert figures["target"][1] == 150
        listed = table(section, "frequent_alarms").frame
        assert list(listed["raised"]) == [3, 1]
        with in_language("ja"):
            page = render(make_report(found), Form.HTML).decode()
        assert 'id="alarms"' in page
        assert "Alarms" not in page


class TestCorrections:
    def test_each_says_what_it_changes_and_one_that_waits_changes_nothing_yet(self, simulated: Kado) -> None:
        signed = ("--reason", "log book", "--author", "Sato", "--yes")
        down = ("--from", "2026-11-11T12:00:00+09:00", "--to", "2026-11-11T13:00:00+09:00")
        assert simulated("correct", "down", *down, *signed).exit_code == 0
        excluded = ("--from", "2026-11-12T12:00:00+09:00", "--to", "2026-11-12T13:00:00+09:00")
        answer = simulated("correct", "excluded", "--category", "grid", *excluded, *signed)
        assert answer.exit_code == 0, answer.err
        section = record_sections.corrections(read())
        (changes,) = table(section, "corrections").frame["changes"]
        assert changes == "delivered -3,600 s, no beam +3,600 s, failures +1"
        assert list(table(section, "awaiting").frame["changes"]) == ["nothing yet"]


class TestFacilities:
    def test_others_stand_beside_it_each_by_its_own_rules_and_one_without_a_figure_says_why(
        self, simulated: Kado
    ) -> None:
        Path("other.toml").write_text(Path("kado.toml").read_text())
        settings('[report]\nbeside = ["other.toml", "gone/kado.toml"]')
        found = read()
        section = beside_sections.facilities(found)
        laid = table(section, "facilities")
        pct = found.loaded.availability.figures.availability_pct
        assert list(laid.frame["availability_pct"]) == [pct, pct]
        assert laid.frame["rule"][1] == "Stored current: 20 mA; 390 mA (nanoterasu)"
        assert "gone/kado.toml" in laid.note
        document = make_report(found).document["facilities"]
        assert document[0]["availability"]["figures"]["availability_pct"] == pct
        assert document[1]["availability"] is None

    def test_nothing_is_averaged_and_the_report_says_so(self, inputs: ReportInputs) -> None:
        assert beside_sections.facilities(inputs) is None


def over_a_year(inputs: ReportInputs) -> ReportInputs:
    """Return the same as if its period were a year that ends with it."""
    availability = inputs.loaded.availability
    whole = replace(availability.period, start_ns=availability.period.end_ns - 320 * NS_PER_DAY)
    return replace(inputs, loaded=replace(inputs.loaded, availability=replace(availability, period=whole)))


def test_peers_and_milestones_stand_in_the_report_of_a_year_alone(inputs: ReportInputs) -> None:
    assert record_sections.milestones(inputs) is None
    section = record_sections.milestones(over_a_year(inputs))
    assert list(table(section, "milestones").frame["value"]) == [160.0, 200.0, 400.0]
    peers = table(section, "peers")
    assert list(peers.frame["facility"]) == ["MAX IV (Sweden)", "SIRIUS (Brazil)"]
    assert list(peers.frame["time"]) == ["about 9 years 90 days", "not reached"]
    assert "Briefing" in peers.note


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_first_page_says_in_at_most_five_lines_what_happened(inputs: ReportInputs, lang: Language) -> None:
    with in_language(lang):
        lines = summary(inputs)
        name = headline(inputs).name
    assert 3 <= len(lines) <= 5
    assert lines[0].startswith(name)
    assert name == Text(en="Light-source availability", ja="光源稼働率").in_language(lang)
    if lang == "en":
        assert "the target of 99 % was" in lines[0]
        assert lines[2].startswith("There was 1 failure; the longest began on")
    else:
        assert not any(word in line for line in lines for word in ("the ", " was ", "failure"))


def test_a_fiscal_year_is_called_as_the_reader_calls_it(inputs: ReportInputs) -> None:
    budget = Budget(year="FY2026", target_pct=99.0, left_h=12.0, unknown_h=0.0)
    left = replace(inputs, loaded=replace(inputs.loaded, budget=budget))
    with in_language("ja"):
        assert "2026年度" in summary(left)[-1]
        assert "FY" not in "".join(summary(left))
    with in_language("en"):
        assert "downtime budget of FY2026" in summary(left)[-1]


def test_a_missed_target_is_called_missed_however_near_it_is(inputs: ReportInputs) -> None:
    a = inputs.loaded.availability
    near = replace(a, figures=replace(a.figures, availability_pct=98.996, coverage_pct=100.0))
    assert summary(replace(inputs, loaded=replace(inputs.loaded, availability=near)))[0] == (
        "Light-source availability was 98.9 %: the target of 99 % was missed."
    )


def test_a_period_without_user_time_says_what_was_planned_instead(inputs: ReportInputs) -> None:
    a = inputs.loaded.availability
    nothing = replace(
        a,
        accounts=replace(a.accounts, user_time=0, user=0, reserve=0, delivered=0, no_beam=0, unknown=0),
        figures=replace(a.figures, availability_pct=None, coverage_pct=None),
    )
    found = replace(inputs, loaded=replace(inputs.loaded, availability=nothing))
    assert headline(found).value == "–"
    assert summary(found)[0] == "No user time was planned in this period."


@pytest.mark.parametrize(
    ("seconds", "en", "ja"),
    [
        (10_920, "3 h 02 min", "3 時間 02 分"),
        (3_599, "1 h 00 min", "1 時間 00 分"),
        (90, "2 min", "2 分"),
        (0.2, "1 s", "1 秒"),
    ],
)
def test_lengths_are_written_as_people_say_them(seconds: float, en: str, ja: str) -> None:
    assert length_words(round(seconds * NS_PER_S)) == en
    with in_language("ja"):
        assert length_words(round(seconds * NS_PER_S)) == ja


def test_every_sheet_has_real_numbers_and_dates_a_frozen_head_and_can_be_sorted(
    inputs: ReportInputs, tmp_path: Path
) -> None:
    report = make_report(inputs)
    path = tmp_path / "r.xlsx"
    path.write_bytes(render(report, Form.XLSX))
    book = openpyxl.load_workbook(path)
    assert book.sheetnames[1] == "Charts"
    sheets = book.worksheets[2:]
    assert len(sheets) == len(report.tables())
    for sheet, made in zip(sheets, report.tables(), strict=True):
        assert sheet["A1"].value == "SIMULATED / 模擬データ"
        assert [cell.value for cell in sheet[2]] == [c.heading for c in made.columns]
        assert sheet.freeze_panes == "A3"
        for y, row in enumerate(made.frame.to_numpy(dtype=object).tolist(), 3):
            for x, (column, cell) in enumerate(zip(made.columns, row, strict=True), 1):
                found = sheet.cell(y, x)
                if cell is None:
                    assert found.value is None
                elif column.kind is Kind.TIME:
                    assert found.value == cell.replace(tzinfo=None)
                elif column.kind is Kind.DURATION:
                    assert found.number_format == "[h]:mm:ss"
                elif column.kind.numeric and not isinstance(cell, str):
                    assert found.value == pytest.approx(float(cell), rel=1e-12)
        if len(made.frame):
            assert sheet.auto_filter.ref


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Failures by what they have in common", "Failures by what they have in"),
        ("Light-source availability report", "Light-source availability"),
        ("稼働" * 20, "稼働" * 15 + "稼"),
        ("Ends with a word at the limit!! x", "Ends with a word at the limit!!"),
    ],
)
def test_a_sheet_whose_title_is_too_long_loses_whole_words(title: str, name: str) -> None:
    assert _sheet_name(title, set()) == name
    again = _sheet_name(title, {name.lower()})
    assert again.endswith(" 2")
    assert len(again) <= 31


@pytest.mark.parametrize(("lang", "sheet"), [("en", "Charts"), ("ja", "グラフ")])
def test_every_chart_stands_as_a_picture_in_the_workbook_with_its_title_and_its_description(
    inputs: ReportInputs, tmp_path: Path, lang: Language, sheet: str
) -> None:
    with in_language(lang):
        report = make_report(inputs)
        made = render(report, Form.XLSX)
    path = tmp_path / "r.xlsx"
    path.write_bytes(made)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames[1] == sheet
    charts = [chart for section in report.sections for chart in section.charts]
    assert len(charts) > 2
    with zipfile.ZipFile(path) as file:
        assert [name for name in file.namelist() if "worksheets/_rels" in name] == [
            "xl/worksheets/_rels/sheet2.xml.rels"
        ]
        pictures = [file.read(f"xl/media/image{n}.png") for n in range(1, len(charts) + 1)]
        drawing = file.read("xl/drawings/drawing1.xml").decode()
    assert pictures == [to_png(chart.svg) for chart in charts]
    assert [html.unescape(d) for d in re.findall(r'descr="([^"]*)"', drawing)] == [c.description for c in charts]
    rows = [int(row) for row in re.findall(r"<xdr:row>(\d+)</xdr:row>", drawing)]
    # From the row below the title to a row above the next title, each in turn.
    assert rows == sorted(set(rows))
    titles = [book[sheet].cell(above, 1).value for above in rows[::2]]
    assert titles == [chart.title for chart in charts]


def test_a_report_without_charts_has_no_sheet_for_them(inputs: ReportInputs, tmp_path: Path) -> None:
    (tmp_path / "r.xlsx").write_bytes(render(make_report(inputs, Layout(("figures", "accounts"))), Form.XLSX))
    assert "Charts" not in openpyxl.load_workbook(tmp_path / "r.xlsx").sheetnames


@pytest.mark.parametrize("form", [Form.PDF, Form.XLSX])
def test_the_type_face_may_lie_in_a_folder_of_the_site(inputs: ReportInputs, tmp_path: Path, form: Form) -> None:
    report = make_report(inputs, Layout(("figures", "signal")))
    with pytest.raises(ConfigError, match=f"{FAMILY} is not installed"):
        render(report, form, tmp_path)
    below = tmp_path / "fonts" / "bizud"
    below.mkdir(parents=True)
    for folder in find_typeface():
        for name in FILES:
            if (folder / name).is_file():
                shutil.copy(folder / name, below)
    assert render(report, form, tmp_path / "fonts") == render(report, form)


def tagged(inputs: ReportInputs, *tags: str) -> ReportInputs:
    """Return the same with all user time tagged."""
    loaded = inputs.loaded
    blocks = [p.block for p in loaded.plan.planned]
    blocks = [replace(b, tags=tags) if b.category is Category.USER else b for b in blocks]
    return replace(inputs, loaded=replace(loaded, plan=resolve([ScheduleVersion.of(0, blocks)])))


def test_user_time_by_use_has_the_names_of_the_profile_and_a_tag_without_one_stands_as_it_is(
    inputs: ReportInputs,
) -> None:
    found = tagged(inputs, "coalition", "shared", "BL02U")
    assert list(table(figure_sections.accounts(found), "use").frame["use"]) == ["BL02U", "coalition use", "shared use"]
    with in_language("ja"):
        use = table(figure_sections.accounts(found), "use")
    assert list(use.frame["use"]) == ["BL02U", "コアリション", "共用"]
    assert {float(h) for h in use.frame["user_time_h"]} == {
        round(inputs.loaded.availability.accounts.user_time / NS_PER_H, 2)
    }


def test_systems_and_sources_of_a_japanese_report_are_japanese(simulated: Kado) -> None:
    named = ("--system", "rf", "--component", "空洞1", "--title", "空洞トリップ", "--cause", "放電", "--author", "佐藤")
    during = ("--from", "2026-11-11T00:00:00+09:00", "--to", "2026-11-13T23:59:00+09:00")
    answer = simulated("incident", "add", *during, *named)
    assert answer.exit_code == 0, answer.err
    found = read()
    with in_language("ja"):
        listed = table(time_sections.failures(found), "failures").frame
        shares = table(record_sections.systems(found), "systems").frame
        cited = table(record_sections.milestones(over_a_year(found)), "peers").note
    assert list(listed["system"]) == ["高周波"]
    assert list(listed["cause"]) == ["空洞トリップ: 放電"]
    assert "高周波" in list(shares["system"])
    assert "文部科学省" in cited


def test_beamlines_have_their_names(inputs: ReportInputs) -> None:
    with in_language("ja"):
        rows = table(record_sections.beamlines(inputs), "beamlines").frame
    assert rows["beamline"][0] == "ポート1（共用）"


class TestRemarks:
    def test_without_a_doubt_there_is_no_section(self, inputs: ReportInputs) -> None:
        without = replace(inputs.loaded, without_back_dated=())
        assert beside_sections.remarks(replace(inputs, loaded=without)) is None

    def test_each_doubt_is_a_sentence_for_readers_who_configure_nothing(self, inputs: ReportInputs) -> None:
        loaded = inputs.loaded
        version = ScheduleVersion.of(AT, [p.block for p in loaded.plan.planned][:1])
        milestone = Milestone.model_validate({"from": date(2025, 7, 1), "value": 400.0, "kind": "user", "cite": "x"})
        doubts = replace(
            loaded,
            limit_warnings=(
                FarAboveLimits("stored_current", "mA", 5 * NS_PER_DAY, 398.0, 199.0),
                LimitsBeforeMilestone(date(2024, 7, 1), milestone, "mA"),
            ),
            cadence=Cadence("stored_current", 20 * NS_PER_S, 10 * NS_PER_S, 1000 * NS_PER_S, 500 * NS_PER_S),
            look_around_cut=True,
            without_back_dated=(
                WithoutBackDated(version, None),
                WithoutBackDated(replace(version, recorded_at_ns=AT), loaded.availability),
            ),
        )
        found = replace(inputs, loaded=doubts)
        section = beside_sections.remarks(found)
        assert section is not None
        assert section.paragraphs == (
            "The calendar published on 12 November 2026, 3:00 was recorded on –, after time that it changes."
            " Without it nothing is scheduled.",
            "The calendar published on 12 November 2026, 3:00 was recorded on 12 November 2026, 3:00, after time that"
            f" it changes. Without it the availability is {percent(loaded.availability.figures.availability_pct)} %,"
            " with 1 failures.",
            "Stored current was far above the limits for 5.0 days: up to 398 mA, nominal 199 mA. A beam well below what"
            " was delivered still counts as full.",
            "The limits are those of 1 July 2024. Since 1 July 2025 400 mA has been reached, and no newer limits are"
            " stated.",
            "Samples (Stored current) come every 20.0 s and hold for 10 s. For that reason alone 50 % of the time is"
            " unknown.",
            "An outage or unknown time around the period is very long: only a part of it was read. The"
            " bounds hold for that part.",
        )
        with in_language("ja"):
            japanese = beside_sections.remarks(found)
        assert japanese is not None
        said = " ".join(japanese.paragraphs)
        assert "蓄積電流" in said
        assert not re.search(r"です|ます|ください|\[\[|the ", said)


LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20"/></svg>'


@pytest.mark.parametrize("form", [Form.HTML, Form.PDF])
def test_a_logo_stands_in_the_report(inputs: ReportInputs, form: Form) -> None:
    without = render(make_report(inputs, Layout(("figures",))), form)
    with_logo = render(make_report(inputs, Layout(("figures",), logo=LOGO.encode())), form)
    assert with_logo != without
    if form is Form.HTML:
        assert b"data:image/svg+xml;base64," in with_logo


def test_a_logo_that_only_begins_like_a_picture_is_named(inputs: ReportInputs) -> None:
    with pytest.raises(KadoError, match="could not be set"):
        render(make_report(inputs, Layout(("figures",), logo=b"<svg this is none")), Form.PDF)


def test_every_sum_is_that_of_its_column_as_printed(inputs: ReportInputs) -> None:
    report = make_report(tagged(inputs, "shared"))
    summed = [t for t in report.tables() if t.total]
    assert {t.id for t in summed} >= {"plan", "user_time", "systems"}
    for made in summed:
        for x, column in enumerate(made.columns):
            if column.kind is Kind.HOURS or column.name == "share_pct":
                *parts, whole = (Decimal(row[x].replace(",", "")) for row in made.printed)
                assert sum(parts) == whole, (made.id, column.name)


def test_shares_of_systems_add_up_to_100_as_printed(inputs: ReportInputs) -> None:
    systems = {"rf": 5_960, "magnet_supply": 4_770, "interlock": 3_270, "vacuum": 890, "timing": 3_044, "none": 1}
    section = record_sections.systems(replace(inputs, systems={k: v * NS_PER_H // 1000 for k, v in systems.items()}))
    assert section is not None
    *parts, whole = (Decimal(row[2]) for row in section.tables[0].printed)
    assert sum(parts) == whole == 100
    assert min(parts) > 0


@pytest.mark.parametrize(
    ("period", "first", "after", "en", "ja"),
    [
        ("2026-10", (2026, 10, 1), (2026, 11, 1), "October 2026", "2026年10月（令和8年10月）"),
        (
            "2026Q4", (2026, 10, 1), (2027, 1, 1), "Q4 2026, 1 October 2026 to 31 December 2026",
            "2026年第4四半期 2026年10月1日から2026年12月31日まで",
        ),
        (
            "FY2019", (2019, 4, 1), (2020, 4, 1), "Fiscal year 2019, 1 April 2019 to 31 March 2020",
            "2019年度（令和元年度） 2019年4月1日から2020年3月31日まで",
        ),
        (
            "2026-10-05/2026-10-08", (2026, 10, 5), (2026, 10, 8), "5 October 2026 to 7 October 2026",
            "2026年10月5日から2026年10月7日まで",
        ),
        (
            "run:2026-5", (2026, 10, 5), (2026, 10, 8), "Run 2026-5, 5 October 2026 to 7 October 2026",
            "ラン 2026-5 2026年10月5日から2026年10月7日まで",
        ),
        (
            "2026A", (2026, 10, 5), (2026, 10, 8), "2026A 5 October 2026 to 7 October 2026",
            "2026A 2026年10月5日から2026年10月7日まで",
        ),
    ],
)  # fmt: skip
def test_a_period_is_written_with_western_and_japanese_years(
    period: str, first: tuple[int, int, int], after: tuple[int, int, int], en: str, ja: str
) -> None:
    start, end = (datetime(*day, tzinfo=ZoneInfo("Asia/Tokyo")) for day in (first, after))
    assert period_words(period, start, end) == en
    with in_language("ja"):
        assert period_words(period, start, end) == ja
