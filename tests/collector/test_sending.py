"""Lines taken apart until it is known which of them are refused."""

from collections.abc import Callable

import pytest

from collector.delivery_policy import Action, DeliveryPolicy
from collector.sending import Interruption, Sender, Sent
from storage.influxdb.client import WriteAnswer

CANARY = b"canary\n"
LINES = [b"%d\n" % i for i in range(1000)]
Answer = Callable[[list[bytes]], int | WriteAnswer]


class Server:
    """Takes and keeps lines, as `answer` decides."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.kept: list[bytes] = []
        self.requests: list[int] = []

    def write(self, body: bytes) -> WriteAnswer:
        lines = body.splitlines(keepends=True)
        given = self._answer(lines)
        answer = WriteAnswer(given, "no") if isinstance(given, int) else given
        if answer.status == 204 and lines != [CANARY]:
            self.kept += lines
        if lines != [CANARY]:
            self.requests.append(len(lines))
        return answer


def send(answer: Answer, *, max_lines: int = 20_000, budget: int = 256) -> tuple[Server, Sender, Sent | Interruption]:
    server = Server(answer)
    policy = DeliveryPolicy(chance=lambda: 0.5)
    sender = Sender(server.write, policy, lambda: CANARY, max_lines=max_lines, budget=budget)
    return server, sender, sender.send(LINES, failures=0)


@pytest.mark.parametrize("status", [400, 422])
def test_the_refused_lines_are_found_and_all_others_arrive_in_order(status: int) -> None:
    bad = {b"0\n", b"500\n", b"501\n", b"999\n"}
    server, _, sent = send(lambda lines: status if bad & set(lines) else 204)
    assert isinstance(sent, Sent)
    assert sorted(sent.refused) == [0, 500, 501, 999]
    assert server.kept == [line for line in LINES if line not in bad]
    assert len(server.requests) < 80


def test_no_line_is_refused_while_even_the_canary_is() -> None:
    def answer(lines: list[bytes]) -> int:
        return 400 if b"7\n" in lines or lines == [CANARY] else 204

    _, _, result = send(answer)
    assert isinstance(result, Interruption)
    assert result.decision.action is Action.HOLD
    assert "known to be good" in result.answer.message


@pytest.mark.parametrize(("status", "action"), [(503, Action.RETRY), (401, Action.HOLD), (None, Action.RETRY)])
def test_no_line_is_refused_when_the_canary_meets_other_trouble(status: int | None, action: Action) -> None:
    def answer(lines: list[bytes]) -> WriteAnswer:
        return WriteAnswer(status) if lines == [CANARY] else WriteAnswer(400 if b"7\n" in lines else 204)

    _, _, result = send(answer)
    assert isinstance(result, Interruption)
    assert result.decision.action is action


def test_where_everything_is_refused_nothing_is_given_up() -> None:
    server, _, result = send(lambda lines: 204 if lines == [CANARY] else 400)
    assert isinstance(result, Interruption)
    assert result.decision.action is Action.HOLD
    assert "more points are refused than 256 requests can tell apart" in result.answer.message
    assert len(server.requests) < 300


def test_lines_beyond_retention_are_told_apart_from_refused_ones() -> None:
    words = "partial write: dropped 1 points outside retention policy of duration 1h0m0s"
    _, _, sent = send(lambda lines: WriteAnswer(422, words) if b"3\n" in lines else WriteAnswer(204))
    assert isinstance(sent, Sent)
    assert (sent.too_old, sent.refused) == ([3], {})


def test_where_all_of_a_request_is_beyond_retention_it_is_not_taken_apart() -> None:
    def answer(lines: list[bytes]) -> WriteAnswer:
        old = sum(int(line) < 700 for line in lines)
        words = f"partial write: dropped {old} points outside retention policy of duration 1h0m0s"
        return WriteAnswer(422, words) if old else WriteAnswer(204)

    server, _, sent = send(answer)
    assert isinstance(sent, Sent)
    assert sent.too_old == list(range(700))
    assert server.kept == LINES[700:]
    assert len(server.requests) < 30


def test_too_large_requests_are_split_and_later_ones_start_smaller() -> None:
    server, sender, sent = send(lambda lines: 413 if len(lines) > 300 else 204)
    assert isinstance(sent, Sent)
    assert server.kept == LINES
    assert server.requests[:3] == [1000, 500, 250]
    server.requests.clear()
    assert isinstance(sender.send(LINES, failures=0), Sent)
    assert server.requests == [250] * 4


def test_a_single_line_that_is_too_large_is_refused() -> None:
    _, _, sent = send(lambda lines: 413 if b"12\n" in lines else 204)
    assert isinstance(sent, Sent)
    assert list(sent.refused) == [12]


def test_trouble_in_the_middle_interrupts_at_once() -> None:
    server, _, result = send(lambda lines: 503 if b"600\n" in lines else 204, max_lines=100)
    assert isinstance(result, Interruption)
    assert result.decision.action is Action.RETRY
    assert server.requests == [100] * 7


def test_a_thousand_lines_of_which_every_third_is_refused_get_through_in_rounds_that_all_go_forward() -> None:
    bad = set(LINES[::3])
    server = Server(lambda lines: 422 if bad & set(lines) else 204)
    sender = Sender(server.write, DeliveryPolicy(chance=lambda: 0.5), lambda: CANARY)
    rounds = 0
    while isinstance(result := sender.send(LINES, failures=rounds), Interruption):
        assert result.decision.action is Action.RETRY
        assert result.decision.pause_s < 1
        assert "the search for further ones goes on" in result.answer.message
        kept, rounds = len(server.kept), rounds + 1
        assert rounds < 20
        assert kept > 0
    assert sorted(result.refused) == list(range(0, 1000, 3))
    assert server.kept == [line for line in LINES if line not in bad]


def test_what_is_known_of_lines_is_forgotten_where_the_bucket_may_be_another_one() -> None:
    bad = set(LINES[::3])
    trouble: list[int] = []
    server = Server(lambda lines: trouble.pop() if trouble else 422 if bad & set(lines) else 204)
    sender = Sender(server.write, DeliveryPolicy(chance=lambda: 0.5), lambda: CANARY)
    assert isinstance(sender.send(LINES, failures=0), Interruption)
    kept = len(server.kept)
    trouble.append(404)
    assert isinstance(sender.send(LINES, failures=1), Interruption)
    server.kept.clear()
    while isinstance(sender.send(LINES, failures=0), Interruption):
        pass
    assert len(server.kept) == 666 > kept


def test_lines_that_are_the_same_share_their_fate() -> None:
    server = Server(lambda lines: 422 if b"7\n" in lines else 204)
    sent = Sender(server.write, DeliveryPolicy(chance=lambda: 0.5), lambda: CANARY).send([b"7\n", b"8\n", b"7\n"], 0)
    assert isinstance(sent, Sent)
    assert sorted(sent.refused) == [0, 2]


@pytest.mark.parametrize("bad", [set(LINES[:300]), set(LINES[:900]), set(LINES[:300]) | set(LINES[300::2])])
def test_many_refused_lines_before_the_first_good_one_do_not_hold_forwarding(bad: set[bytes]) -> None:
    server = Server(lambda lines: 422 if bad & set(lines) else 204)
    sender = Sender(server.write, DeliveryPolicy(chance=lambda: 0.5), lambda: CANARY)
    while isinstance(result := sender.send(LINES, failures=0), Interruption):
        assert result.decision.action is Action.RETRY
    assert [LINES[i] for i in sorted(result.refused)] == [line for line in LINES if line in bad]
    assert set(server.kept) == set(LINES) - bad
