"""The draft of last month: made on the first at the set hour, handed over, shown in the status."""

import email.message
import logging
import stat
from datetime import date
from pathlib import Path

import pytest
from aiosmtpd.handlers import Message

from command_line import Kado
from facility.time import parse_time
from kado.config import load_configuration
from kado.queries.drafts import load_drafts
from kado.service.report_drafts import DraftError, ReportDrafts
from mail_server import MailServer
from servers import free_port

FIRST = "2026-12-01T{}:00+09:00"


def settings(text: str) -> None:
    with Path("kado.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[report]\ndraft_at = "09:00"\nlang = "en"\n{text}')


def drafts(at: str) -> ReportDrafts:
    return ReportDrafts(load_configuration(), lambda: parse_time(at))


def test_nothing_is_due_before_the_set_hour(simulated: Kado) -> None:
    settings("")
    assert drafts(FIRST.format("08:59")).due() is None
    due = drafts(FIRST.format("09:00")).due()
    assert due is not None
    assert due.id == "2026-11"
    late = drafts("2026-12-24T23:00:00+09:00").due()
    assert late == due, "a service that starts late makes up for it"


def test_a_draft_is_made_once_and_shown_in_the_status(simulated: Kado) -> None:
    settings("corrections_days = 5\n")
    drafts(FIRST.format("09:00")).work()
    (draft,) = load_drafts(load_configuration())
    assert draft.path.read_bytes().startswith(b"%PDF")
    assert (draft.period, draft.open_until, draft.handed_over) == ("2026-11", date(2026, 12, 6), True)
    made = draft.path.stat().st_mtime_ns
    drafts(FIRST.format("10:00")).work()
    assert draft.path.stat().st_mtime_ns == made
    assert "corrections can enter until 2026-12-06" in simulated("status", "--lang", "en").out
    assert simulated("status", "--format", "json").document["report_draft"]["period"] == "2026-11"


def test_a_command_gets_the_path_and_is_tried_again_until_it_succeeds(simulated: Kado) -> None:
    hook = Path("hook.sh")
    hook.write_text('#!/bin/sh\necho "$1" >> got\n[ -e ready ] || { echo no printer >&2; exit 7; }\n')
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    settings('command = ["./hook.sh"]\n')
    with pytest.raises(DraftError, match='ended with 7: "no printer"'):
        drafts(FIRST.format("09:00")).work()
    (draft,) = load_drafts(load_configuration())
    assert not draft.handed_over
    Path("ready").touch()
    drafts(FIRST.format("10:00")).work()
    drafts(FIRST.format("11:00")).work()
    assert Path("got").read_text().splitlines() == [str(draft.path)] * 2
    assert load_drafts(load_configuration())[0].handed_over


MAIL = """
[report.mail]
smtp = "smtp://127.0.0.1:{}"
sender = "kado@example.org"
to = ["chief@example.org"]
"""


class Kept(Message):
    """Keeps what the mail server was given."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[email.message.Message] = []

    def handle_message(self, message: email.message.Message) -> None:
        self.messages.append(message)


def test_a_draft_is_mailed_with_the_report_and_the_mark_of_simulation(simulated: Kado) -> None:
    kept = Kept()
    port = free_port()
    settings(MAIL.format(port))
    with MailServer(kept, port):
        drafts(FIRST.format("09:00")).work()
    (message,) = kept.messages
    assert "SIMULATED" in message["Subject"]
    _, body, attachment = message.walk()
    assert "kado report issue 2026-11" in str(body.get_payload())
    assert bytes(attachment.get_payload(decode=True)).startswith(b"%PDF")  # pyright: ignore[reportArgumentType]  # bytes, since it is decoded


def test_a_mail_server_that_is_away_leaves_the_draft_to_the_next_hour(
    simulated: Kado, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings(MAIL.format(1))
    with pytest.raises(DraftError, match="could not be mailed"):
        drafts(FIRST.format("09:00")).work()
    assert not load_drafts(load_configuration())[0].handed_over


def test_a_month_without_data_is_an_error_that_is_told_and_tried_again(simulated: Kado) -> None:
    settings("")
    with pytest.raises(DraftError, match="the draft of 2031-01 ended with 2"):
        drafts("2031-02-01T09:00:00+09:00").work()
    assert load_drafts(load_configuration()) == []
