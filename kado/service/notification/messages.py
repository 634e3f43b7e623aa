"""The words of a notification, in one language."""

from datetime import tzinfo

from facility.text import SIMULATED
from facility.time import format_time
from kado.language import tr, words
from kado.language.alarm_words import suppressors
from kado.service.notification.notice import Notice, NoticeKind


def head(notice: Notice) -> str:
    """Return facility and priority, with SIMULATED where it is."""
    mark = f"[{words(SIMULATED)}] " if notice.simulated else ""
    return f"{mark}{words(notice.facility_name)}: {priority_words(notice.priority.value)}"


def priority_words(priority: str) -> str:
    """Return a priority for people."""
    texts = {"critical": tr("critical"), "high": tr("high"), "medium": tr("medium"), "low": tr("low")}
    return texts[priority]


def value_words(notice: Notice) -> str:
    """Return value with unit and limit; empty where there is none."""
    unit = f" {notice.unit}" if notice.unit else ""
    if notice.word is not None:
        return notice.word
    if notice.value is None:
        return ""
    value = f"{notice.value:z.6g}{unit}"
    if notice.limit is None:
        return value
    return tr("{value} (limit {limit})", value=value, limit=f"{notice.limit:z.6g}{unit}")


def what_happened(notice: Notice, zone: tzinfo) -> str:
    """Return in a few words how the alarm stands after the change."""
    who = notice.by or "?"
    match notice.kind:
        case NoticeKind.RAISED:
            return tr("raised")
        case NoticeKind.CHANGED:
            by = notice.acknowledged_by
            return tr("not acknowledged") if by is None else tr("acknowledged by {who}", who=by)
        case NoticeKind.OVER:
            return tr("over")
        case NoticeKind.SHELVED if notice.shelf_until_ns is not None:
            return tr("shelved by {who} until {until}", who=who, until=clock(notice.shelf_until_ns, zone))
        case NoticeKind.SHELVED:
            return tr("shelved by {who}", who=who)
        case NoticeKind.SUPPRESSED:
            return tr("suppressed by {what}", what=suppressors(who))
        case NoticeKind.OUT_OF_SERVICE:
            return tr("taken out of service by {who}", who=who)


def clock(ns: int, zone: tzinfo) -> str:
    """Return a time for people."""
    return format_time(ns, zone)[:19].replace("T", " ")


def lines(notice: Notice, zone: tzinfo, link: str | None) -> list[str]:
    """Return a change with everything that a person needs to act, a line each."""
    since = notice.since_ns if notice.since_ns is not None else notice.raised_ns
    value = value_words(notice)
    found = [f"{words(notice.title)}: {what_happened(notice, zone)} ({clock(notice.time_ns, zone)})"]
    found += [tr("priority: {priority}", priority=priority_words(notice.priority.value))]
    found += [tr("value: {value}", value=value)] if value else []
    found += [tr("since: {since}", since=clock(since, zone))]
    if notice.active:
        found.append(tr("action: {action}", action=words(notice.action)))
    found += [where for where in (notice.display, link) if where]
    return found
