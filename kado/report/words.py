"""Words for accounts, assertions, reviews and rules, in the language of now."""

from typing import Final

from analytics.explain import Rule
from facility.incidents import Review
from facility.profile import Profile
from kado.language import language, marked, tr, words

_ACCOUNTS: Final = {
    "user": marked("user time"),
    "reserve": marked("reserve"),
    "study": marked("study"),
    "tuning": marked("tuning"),
    "maintenance": marked("maintenance"),
    "shutdown": marked("shutdown"),
    "commissioning": marked("commissioning"),
    "unscheduled": marked("unscheduled"),
    "calendar": marked("calendar time"),
    "user_time": marked("total user time"),
    "delivered": marked("delivered"),
    "no_beam": marked("no beam"),
    "unknown": marked("unknown"),
    "low_beam": marked("low beam"),
    "refill": marked("refill"),
    "excluded": marked("excluded"),
    "planned": marked("planned user time"),
}
_RULES: Final = {
    Rule.STALE: marked("no sample within the holding time of the last one"),
    Rule.LINK: marked("link to the source lost"),
    Rule.BAD: marked("only bad samples"),
    Rule.SENSOR_FAULT: marked("sensor fault: the witness saw beam"),
    Rule.STATED_UNKNOWN: marked("correction: unknown"),
    Rule.STATED_SENSOR_FAULT: marked("correction: sensor fault"),
    Rule.FLAG_UNKNOWN: marked("flag not known"),
    Rule.NO_SAMPLE: marked("no sample yet"),
}
_REVIEWS: Final = {
    Review.ACKNOWLEDGE: marked("to be acknowledged"),
    Review.ROOT_CAUSE: marked("root cause needed"),
    Review.ASSESSMENT: marked("written assessment needed"),
}


def account_word(name: str) -> str:
    """Return the word for an account or a category of the plan."""
    return tr(_ACCOUNTS[name])


def rule_word(rule: Rule) -> str:
    """Return why time is unknown."""
    return tr(_RULES[rule]) if rule in _RULES else rule.value


def review_word(review: Review) -> str:
    """Return what an outage that nobody reviewed asks for."""
    return tr(_REVIEWS[review])


def signal_word(profile: Profile) -> str:
    """Return the name of the delivery signal; its id where the profile gives it no label."""
    label = profile.delivery.label
    return profile.delivery_signal if label is None else words(label)


def named(profile: Profile, slug: str) -> str:
    """Return how the profile calls a tag of the calendar or a system; the slug itself where it names none."""
    return words(profile.names[slug]) if slug in profile.names else slug


def year_name(period_id: str) -> str:
    """Return what a fiscal year is called in a sentence: ``FY2024``, ``2024年度``; another id as it is."""
    return f"{period_id[2:]}年度" if language() == "ja" and period_id.startswith("FY") else period_id
