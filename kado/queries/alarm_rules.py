"""The alarm rules of a configuration, and what they may read."""

from facility.alarms import AlarmRules, SeriesTable
from facility.errors import ConfigError
from facility.sentence import Sentence
from kado.config import Configuration
from kado.source_kinds import delivers


def series_table(configuration: Configuration) -> SeriesTable:
    """Return the series that rules of the facility may read."""
    profile = configuration.profile
    delivered = {
        source.id: [signal.id for signal in profile.signals if delivers(source, signal.id)]
        for source in configuration.sources
    }
    return SeriesTable.of(profile, delivered)


def load_alarm_rules(configuration: Configuration, table: SeriesTable | None = None) -> AlarmRules:
    """Return the rules that ``[alarms]`` names, else those that come with the profile.

    Raises
    ------
    AlarmRuleError
        If a file cannot be read, or a rule is wrong.
    ConfigError
        If there is no ``[alarms]``.
    """
    settings = configuration.settings.alarms
    if settings is None:
        raise ConfigError(
            Sentence(
                '{configuration} has no [alarms]: add the table, with rules = ["alarms.toml"] for rules of your own, '
                "or empty for those that come with the facility",
                configuration=configuration.path,
            )
        )
    table = table or series_table(configuration)
    if settings.rules is None:
        return AlarmRules.shipped(configuration.profile.id, table)
    return AlarmRules.load([configuration.folder / path for path in settings.rules], table)
