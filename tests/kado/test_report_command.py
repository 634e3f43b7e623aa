"""``kado report``: one document in five forms, its figures those of ``kado availability``; its life."""

import csv
import hashlib
import io
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import openpyxl
import pytest

from command_line import Kado
from facility.errors import ReportError
from facility.text import Language
from facility.time import format_time, parse_time
from kado.cli.report import write_whole
from kado.config import load_configuration
from kado.language import in_language
from kado.queries.availability import load_availability
from kado.queries.availability_document import availability_document
from kado.queries.downtime_budget import with_budget
from kado.queries.report import ReportInputs, load_report
from kado.report.content import Layout, make_report
from kado.report.forms import Form, render
from kado.report.model import Kind
from kado.report.stamp import read_stamp

PERIOD = "2026-11-11T00:00:00+09:00/2026-11-14T00:00:00+09:00"


def make(kado: Kado, path: str, *words: str) -> bytes:
    answer = kado("report", PERIOD, "--out", path, *words)
    assert answer.exit_code == 0, answer.err
    return Path(path).read_bytes()


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


@pytest.fixture(scope="module")
def inputs(_simulated_folder: Path) -> ReportInputs:
    """Everything that the report of the three days says, read once."""
    return load_report(load_configuration(_simulated_folder / "kado.toml"), PERIOD, None)


ON_A_HOST = """
import hashlib, sys
from pathlib import Path
from kado.config import load_configuration
from kado.language import in_language
from kado.queries.report import load_report
from kado.report.content import make_report
from kado.report.forms import Form, render

with in_language("ja"):
    report = make_report(load_report(load_configuration(Path(sys.argv[1])), sys.argv[2], None, sys.argv[3]))
    for form in Form:
        print(form.value, hashlib.sha256(render(report, form)).hexdigest())
"""


def test_a_host_of_another_time_zone_and_locale_makes_the_same_bytes(inputs: ReportInputs) -> None:
    known_on = format_time(inputs.loaded.as_known_on_ns)
    left_out = ("TZ", "LANG", "LC_ALL", "LANGUAGE", "KADO_LANG")
    host = {k: v for k, v in os.environ.items() if k not in left_out}
    host |= {"TZ": "America/New_York", "LANG": "de_DE.UTF-8", "SOURCE_DATE_EPOCH": "0", "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", ON_A_HOST, str(inputs.configuration.path), PERIOD, known_on]
    there = subprocess.run(command, env=host, check=True, capture_output=True, text=True).stdout
    with in_language("ja"):
        report = make_report(load_report(inputs.configuration, PERIOD, None, known_on))
        here = [f"{form.value} {hashlib.sha256(render(report, form)).hexdigest()}" for form in Form]
    assert there.splitlines() == here


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_every_form_gives_the_same_bytes_again(
    inputs: ReportInputs, monkeypatch: pytest.MonkeyPatch, lang: Language
) -> None:
    with in_language(lang):
        first = {form: render(make_report(inputs), form) for form in Form}
        monkeypatch.setenv("TZ", "America/New_York")
        monkeypatch.setenv("LC_ALL", "C")
        time.tzset()
        again = {form: render(make_report(inputs), form) for form in Form}
    monkeypatch.undo()
    time.tzset()
    assert [form for form in Form if first[form] != again[form]] == []


def test_figures_of_the_files_are_those_of_the_availability(inputs: ReportInputs, tmp_path: Path) -> None:
    configuration = inputs.configuration
    loaded = with_budget(configuration, load_availability(configuration, PERIOD, None))
    counted = availability_document(loaded)
    report = make_report(inputs)
    document = json.loads(render(report, Form.JSON))
    for name in ("figures", "accounts_s", "events", "counts", "tags"):
        assert document["availability"][name] == counted[name], name
    # XLSX: real numbers
    path = tmp_path / "r.xlsx"
    path.write_bytes(render(report, Form.XLSX))
    figures = {row[0].value: row[2].value for row in openpyxl.load_workbook(path)["Figures"].iter_rows(min_row=3)}
    assert figures["Availability"] == counted["figures"]["availability_pct"]
    assert figures["Coverage"] == counted["figures"]["coverage_pct"]
    assert figures["Failures"] == counted["counts"]["failures"]
    assert figures["Downtime"] == counted["accounts_s"]["no_beam"] / 3600
    # CSV: full precision
    rows = list(csv.DictReader(io.StringIO(render(report, Form.CSV).decode())))
    found = {r["label"]: r["value"] for r in rows if r["table"] == "figures" and r["column"] == "p0"}
    assert float(found["Availability"]) == counted["figures"]["availability_pct"]


def test_tables_add_up_as_printed(inputs: ReportInputs) -> None:
    rows = list(csv.DictReader(io.StringIO(render(make_report(inputs), Form.CSV).decode())))
    for name in ("plan", "user_time"):
        hours = [float(r["value"]) for r in rows if r["table"] == name and r["column"] == "hours"]
        assert len(hours) > 1
        assert sum(hours[:-1]) == pytest.approx(hours[-1], abs=1e-9)


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext: apt-get install poppler-utils")
def test_numbers_of_the_pdf_are_those_of_the_availability_and_no_glyph_is_missing(
    inputs: ReportInputs, tmp_path: Path
) -> None:
    counted = availability_document(inputs.loaded)
    languages: tuple[Language, ...] = ("en", "ja")
    for lang in languages:
        path = str(tmp_path / f"{lang}.pdf")
        with in_language(lang):
            Path(path).write_bytes(render(make_report(inputs), Form.PDF))
        text = output("pdftotext", "-layout", path, "-")
        pct = counted["figures"]["availability_pct"]
        assert f"{pct:.1f} %" in text
        assert f"{counted['accounts_s']['delivered'] / 3600:.2f}" in text
        assert f"{counted['accounts_s']['no_beam'] / 3600:.2f}" in text
        assert "SIMULATED / 模擬データ" in text
        assert "�" not in text
        fonts = output("pdffonts", path)
        assert all(re.search(r"BIZUDPGothic.* yes yes yes", line) for line in fonts.splitlines()[2:]), fonts
        assert re.search(r"Tagged:\s+yes", output("pdfinfo", path))


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext: apt-get install poppler-utils")
@pytest.mark.parametrize("lang", ["en", "ja"])
def test_every_number_that_is_printed_stands_in_the_pdf(inputs: ReportInputs, tmp_path: Path, lang: Language) -> None:
    with in_language(lang):
        report = make_report(inputs)
        (tmp_path / "r.pdf").write_bytes(render(report, Form.PDF))
    text = "".join(output("pdftotext", str(tmp_path / "r.pdf"), "-").split())
    for table in report.tables():
        for row in table.printed:
            for column, cell in zip(table.columns, row, strict=True):
                if column.kind is not Kind.TEXT:
                    assert "".join(cell.split()) in text, (table.id, cell)
    assert report.headline.value.replace(" ", "") in text
    # The mark stands in the head of every page; what stands across it, turned, is no text in a line.
    pages = int(re.search(r"Pages:\s+(\d+)", output("pdfinfo", str(tmp_path / "r.pdf")))[1])  # type: ignore[index]
    assert text.count("SIMULATED/模擬データ") >= pages


@pytest.mark.parametrize(
    ("period", "lang", "title"),
    [
        ("run:2026-4", "en", "Run 2026-4, 10 November 2026 to 27 December 2026"),
        ("2026Q4", "ja", "2026年第4四半期 2026年10月1日から2026年12月31日まで"),
    ],
)
def test_a_run_and_a_quarter_have_their_report(inputs: ReportInputs, period: str, lang: Language, title: str) -> None:
    clock = parse_time("2026-11-20T00:00:00+09:00")
    found = load_report(inputs.configuration, period, clock=lambda: clock)
    counted = availability_document(load_availability(inputs.configuration, period, clock=lambda: clock))
    with in_language(lang):
        report = make_report(found)
        page = render(report, Form.HTML).decode()
        document = json.loads(render(report, Form.JSON))
    assert title in page
    # In the head of each page as well a run has its name.
    assert report.period == period.replace("run:", "Run ")
    assert "run:" not in page.replace("kado report run:", "")
    for name in ("availability_pct", "coverage_pct", "mtbf_h", "mttr_h"):
        assert document["availability"]["figures"][name] == counted["figures"][name], name
    for name in ("accounts_s", "events", "counts"):
        assert document["availability"][name] == counted[name], name
    assert document["availability"]["counts"]["failures"] == 1
    # Most of it has no samples, so no one number is printed.
    assert report.headline.provisional


def test_html_stands_alone(inputs: ReportInputs) -> None:
    with in_language("ja"):
        page = render(make_report(inputs), Form.HTML).decode()
    without_names = re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)
    assert not re.search(r"https?://|<script|<link|url\(", without_names)
    assert '<html lang="ja">' in page
    assert "光源稼働率" in page
    assert "模擬データ" in page


def test_text_that_looks_like_markup_or_a_formula_stays_text(simulated: Kado) -> None:
    reason = '=HYPERLINK("http://x") <script>alert(1)</script> #let'
    answer = simulated(
        *("correct", "unknown", "--yes", "--from", "2026-11-11T12:00:00+09:00", "--to", "2026-11-11T12:05:00+09:00"),
        *("--reason", reason, "--author", "Mori"),
    )
    assert answer.exit_code == 0, answer.err
    found = load_report(load_configuration(), PERIOD)
    report = make_report(found)
    assert render(report, Form.PDF).startswith(b"%PDF")
    assert b"<script>" not in render(report, Form.HTML)
    Path("r.xlsx").write_bytes(render(report, Form.XLSX))
    sheet = openpyxl.load_workbook("r.xlsx")["Corrections in force"]
    cell = next(c for row in sheet.iter_rows() for c in row if c.value == reason)
    assert cell.data_type == "s"


class TestLife:
    def test_draft_issue_verify_revise(self, simulated: Kado) -> None:
        assert simulated("report", PERIOD, "--out", "draft.html", "--lang", "en").exit_code == 0
        assert "Draft" in Path("draft.html").read_text()
        issued = simulated("report", "issue", PERIOD, "--author", "Mori", "--format", "json").document
        assert (issued["edition"], issued["author"], issued["changes"]) == (1, "Mori", [])
        assert simulated("report", PERIOD, "--out", "first.html", "--lang", "en").exit_code == 0
        assert "Issued" in Path("first.html").read_text()
        again = simulated("report", "issue", PERIOD, "--author", "Mori")
        assert again.exit_code == 2
        assert "nothing new to issue" in again.err
        # An hour of beam turns out to have been none.
        answer = simulated(
            *("correct", "down", "--yes", "--from", "2026-11-11T12:00:00+09:00", "--to", "2026-11-11T13:00:00+09:00"),
            *("--reason", "log book", "--author", "Sato"),
        )
        assert answer.exit_code == 0, answer.err
        assert simulated("report", PERIOD, "--out", "second.html", "--lang", "en").exit_code == 0
        draft = Path("second.html").read_text()
        assert "Draft of edition 2" in draft
        assert "availability.counts.failures" in draft
        revised = simulated("report", "issue", PERIOD, "--author", "Mori", "--format", "json").document
        assert revised["edition"] == 2
        changes = {c["path"]: (c["before"], c["after"]) for c in revised["changes"]}
        assert changes["availability.counts.failures"] == (1, 2)
        listed = simulated("report", "list", "--format", "json").document["reports"]
        assert [(r["edition"], r["author"]) for r in listed] == [(1, "Mori"), (2, "Mori")]
        # The first edition can still be made again as it was.
        assert simulated("report", "verify", "first.html").exit_code == 0

    def test_a_file_is_still_identical_when_samples_of_later_time_came(self, simulated: Kado) -> None:
        make(simulated, "r.html", "--lang", "en")
        Path("later.csv").write_text("time,signal,value\n2026-11-15T12:00:00.5+09:00,stored_current,200.0\n")
        assert simulated("import", "later.csv").exit_code == 0
        assert "received" not in simulated("report", "verify", "r.html").err
        assert simulated("report", "verify", "r.html").exit_code == 0

    def test_a_file_that_was_edited_is_told(self, simulated: Kado) -> None:
        page = make(simulated, "r.html", "--lang", "en")
        assert simulated("report", "verify", "r.html").exit_code == 0
        Path("forged.html").write_bytes(page.replace(b"Availability", b"Availabi1ity"))
        answer = simulated("report", "verify", "forged.html")
        assert answer.exit_code == 1
        assert "was edited after kado made it" in answer.err

    def test_each_form_can_be_verified(self, simulated: Kado) -> None:
        for form in ("csv", "xlsx"):
            make(simulated, f"r.{form}", "--lang", "ja")
            assert simulated("report", "verify", f"r.{form}").exit_code == 0, form

    def test_a_sample_that_comes_late_is_named(self, simulated: Kado) -> None:
        make(simulated, "r.json")
        Path("late.csv").write_text("time,signal,value\n2026-11-11T12:00:00.5+09:00,stored_current,0.0\n")
        assert simulated("import", "late.csv").exit_code == 0
        answer = simulated("report", "verify", "r.json")
        assert answer.exit_code == 1
        assert "the samples" in answer.err


class TestRefused:
    def test_a_period_in_the_future(self, simulated: Kado) -> None:
        answer = simulated("report", "2031-01")
        assert answer.exit_code == 2
        assert "future" in answer.err

    def test_a_period_without_schedule(self, simulated: Kado) -> None:
        answer = simulated("report", "2020-01")
        assert answer.exit_code == 2
        assert not list(Path().glob("*.pdf"))

    def test_an_unknown_language(self, simulated: Kado) -> None:
        answer = simulated("report", PERIOD, "--lang", "de")
        assert answer.exit_code == 2
        assert "de" in answer.err

    def test_a_missing_type_face_names_the_package(self, simulated: Kado) -> None:
        Path("empty").mkdir()
        with Path("kado.toml").open("a") as file:
            file.write('\n[report]\nfont_dir = "empty"\n')
        answer = simulated("report", PERIOD)
        assert answer.exit_code == 2
        assert "fonts-morisawa-bizud-gothic" in answer.err

    def test_a_logo_that_is_no_picture(self, simulated: Kado) -> None:
        Path("logo.png").write_text("not a picture")
        with Path("kado.toml").open("a") as file:
            file.write('\n[report]\nlogo = "logo.png"\n')
        answer = simulated("report", PERIOD, "--format", "html")
        assert answer.exit_code == 2
        assert "no picture" in answer.err

    def test_a_section_that_there_is_not(self, simulated: Kado) -> None:
        with Path("kado.toml").open("a") as file:
            file.write('\n[report]\nsections = ["figures", "weather"]\n')
        answer = simulated("report", PERIOD, "--format", "html")
        assert answer.exit_code == 2
        assert "'weather'" in answer.err

    def test_a_place_that_cannot_be_written(self, simulated: Kado) -> None:
        answer = simulated("report", PERIOD, "--format", "json", "--out", "nowhere/r.json")
        assert answer.exit_code == 2
        assert "nowhere/r.json cannot be written" in answer.err

    def test_a_folder_that_nobody_may_write_to(self, simulated: Kado) -> None:
        answer = simulated("report", PERIOD, "--format", "json", "--out", "/proc/r.json")
        assert answer.exit_code == 2
        assert "/proc/r.json cannot be written" in answer.err

    def test_a_place_that_is_no_file_is_left_alone(self, simulated: Kado) -> None:
        os.mkfifo("pipe")
        answer = simulated("report", PERIOD, "--format", "json", "--out", "pipe")
        assert answer.exit_code == 2
        assert "pipe is no file that can be replaced" in answer.err
        assert Path("pipe").is_fifo()
        Path("folder").mkdir()
        assert "it is a folder" in simulated("report", PERIOD, "--format", "json", "--out", "folder").err
        assert not list(Path().glob(".kado-report-*"))

    def test_a_disk_that_is_full_leaves_no_part_of_a_report(self, tmp_path: Path) -> None:
        path = tmp_path / "r.json"
        path.write_text("the report of before")
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))  # a file ends there, as it does on a full disk
        try:
            with pytest.raises(ReportError, match=r"r\.json cannot be written"):
                write_whole(path, bytes(10_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert path.read_text() == "the report of before"
        assert [p.name for p in tmp_path.iterdir()] == ["r.json"]

    def test_a_logo_that_unfolds_to_gigabytes_or_never_ends(self, simulated: Kado) -> None:
        png = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + b"IHDR"
        Path("logo.png").write_bytes(png + (60_000).to_bytes(4, "big") * 2 + bytes(5))
        with Path("kado.toml").open("a") as file:
            file.write('\n[report]\nlogo = "logo.png"\n')
        answer = simulated("report", PERIOD, "--format", "html")
        assert "60,000 x 60,000 pixels" in answer.err
        Path("logo.png").write_bytes(png + (60).to_bytes(4, "big") * 2 + bytes(5 << 20))
        assert "has more than 4,194,304 bytes" in simulated("report", PERIOD, "--format", "html").err

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["verify", "x.pdf"], "検証情報がありません"),
            (["verify", "nothing.pdf"], "nothing.pdf を読めません：そのファイルまたはフォルダーはありません"),
            ([PERIOD, "--format", "json", "--out", "nowhere/r.json"], "nowhere/r.json に書き込めません"),
            ([PERIOD, "--format", "html"], "SVG や PNG の画像ではありません"),
            (["2031-01"], "未来の時刻です"),
            (["2020-01"], "運転計画がありません"),
        ],
    )
    def test_each_refusal_is_in_the_language_of_the_reader(self, simulated: Kado, words: list[str], said: str) -> None:
        Path("x.pdf").write_bytes(b"%PDF-1.7")
        if "html" in words:
            with Path("kado.toml").open("a") as file:
                file.write('\n[report]\nlogo = "x.pdf"\n')
        answer = simulated("report", *words, "--lang", "ja")
        assert answer.exit_code == 2
        assert said in answer.err

    def test_a_period_with_a_schedule_and_without_data(self, simulated: Kado) -> None:
        Path("early.csv").write_text(
            "start,end,category,published_at\n"
            "2025-05-01T00:00+09:00,2025-05-20T00:00+09:00,user,2025-01-01T00:00+09:00\n"
        )
        assert simulated("schedule", "import", "early.csv").exit_code == 0
        answer = simulated("report", "2025-05")
        assert answer.exit_code == 2
        assert "no samples of stored_current" in answer.err

    def test_a_file_that_is_no_report(self, simulated: Kado) -> None:
        Path("x.pdf").write_bytes(b"%PDF-1.7")
        assert "bears no stamp" in simulated("report", "verify", "x.pdf").err
        with Path("x.pdf").open("r+b") as large:
            large.truncate((64 << 20) + 1)
        assert "a report has at most 67,108,864" in simulated("report", "verify", "x.pdf").err
        with zipfile.ZipFile("x.xlsx", "w") as book:
            book.writestr("a", "b")
        assert simulated("report", "verify", "x.xlsx").exit_code == 2
        assert "cannot be read" in simulated("report", "verify", "nothing.pdf").err

    def test_a_workbook_in_which_any_byte_was_changed_is_no_defect(self, simulated: Kado) -> None:
        content = make(simulated, "r.xlsx")
        with zipfile.ZipFile("r.xlsx") as book:
            at = book.getinfo("docProps/core.xml")
        place = range(at.header_offset, at.header_offset + 60)
        whole, refused = read_stamp("r.xlsx", content), 0
        for position in (*range(30), *place, *range(len(content) - 1_200, len(content))):
            for bit in (1, 128):
                changed = bytearray(content)
                changed[position] ^= bit
                try:
                    stamp = read_stamp("r.xlsx", bytes(changed))
                except ReportError:
                    refused += 1
                else:
                    assert stamp == whole
        assert refused > 100

    def test_an_issue_of_a_period_that_is_not_over(self, simulated: Kado) -> None:
        answer = simulated("report", "issue", "2026-11-11T00:00:00+09:00/2031-01-01T00:00:00+09:00", "--author", "Mori")
        assert answer.exit_code == 2
        assert "when it is over" in answer.err


def test_a_site_chooses_sections_and_signatures(inputs: ReportInputs) -> None:
    layout = Layout(sections=("accounts", "figures"), signatures=("施設長", "運転責任者"))
    with in_language("ja"):
        page = render(make_report(inputs, layout), Form.HTML).decode()
    assert page.index('id="accounts"') < page.index('id="figures"')
    assert 'id="calendar"' not in page
    assert "施設長" in page
