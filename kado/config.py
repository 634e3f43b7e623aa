"""``kado.toml``: what a kado is made of, checked strictly before anything starts."""

import difflib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, Union, cast

from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from facility.documents import build, read_toml
from facility.errors import ConfigError
from facility.nearest import nearest
from facility.profile import Profile, load_profile
from facility.schedule_words import CalendarWords
from facility.sentence import Sentence
from facility.signals import link_signal
from facility.source import SourceSpec
from facility.text import Language
from kado.notification_settings import TargetSettings
from kado.page_settings import PageSettings
from kado.source_kinds import simulated_kinds, source_classes
from kado.store_settings import EmbeddedSettings, StoreSettings
from storage.backend import StoreBackend

DEFAULT_PATH = Path("kado.toml")


ENV_PREFIX = "KADO_"


class LandingSettings(BaseModel):
    """``[landing]``: the file in which samples become durable, ``telemetry.db``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    max_bytes: int = Field(
        default=16 * 1024**3,
        ge=16 * 1024**2,
        description="So much of telemetry.db may be used; then sources wait, until some is forwarded or deleted.",
    )


class MetricsSettings(BaseModel):
    """``[metrics]``: how kado stands, for Prometheus, on an address of its own; without the table: not served."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    listen: str = Field(
        default="127.0.0.1:8421",
        pattern=r"^[^\s:]+:\d+$",
        description="Address and port of /metrics, /healthz and /readyz; port 0: any that is free.",
    )


class AlarmSettings(BaseModel):
    """``[alarms]``: conditions on which a person must act; without the table: none."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    rules: tuple[Path, ...] | None = Field(
        default=None,
        strict=False,
        description="TOML files with alarm rules, relative to the folder of kado.toml; without it those that come with "
        "the facility's profile.",
    )
    settle_s: float = Field(
        default=1.0,
        ge=0,
        allow_inf_nan=False,
        description="How long a sample may be under way and still be in order; alarms are that much behind the clock.",
    )

    notify: tuple[str, ...] | None = Field(
        default=None,
        strict=False,
        description="Ids of the targets that alarms are sent to where a rule names none; without it all.",
    )
    link: str | None = Field(
        default=None, pattern=r"^https?://\S+$", description="Address of a page with the alarms, for each message."
    )
    target: tuple[TargetSettings, ...] = Field(default=(), strict=False, description="Where alarms are sent.")

    @model_validator(mode="after")
    def _targets(self) -> Self:
        ids = [target.id for target in self.target]
        for name in sorted(set(ids)):
            if ids.count(name) > 1:
                raise ValueError(Sentence("two targets are called {name!r}: an id must be unique", name=name))
        for name in self.notify or ():
            if name not in ids:
                raise ValueError(
                    Sentence(
                        "notify names {name!r}, and no [[alarms.target]] has that id; {hint}",
                        name=name,
                        hint=nearest(name, ids),
                    )
                )
        return self

    @field_validator("rules", mode="before")
    @classmethod
    def _paths(cls, value: Any) -> Any:
        if isinstance(value, list) and all(isinstance(item, str) for item in cast("list[Any]", value)):
            return tuple(Path(item) for item in cast("list[str]", value))
        return cast("Any", value)


class PublishSettings(BaseModel):
    """``[publish]``: figures, events, beam state and plan go to InfluxDB for Grafana; not with the embedded store."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    definitions: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description="Accounting definitions to publish figures by, beside the facility's own.",
    )


class MailSettings(BaseModel):
    """``[report.mail]``: where drafts are sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    smtp: str = Field(
        pattern=r"^smtps?://[^/@?#\s]+$", description="Server: smtp://host:port, or smtps://host:port with TLS."
    )
    sender: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", description="Address of the sender.")
    to: tuple[str, ...] = Field(strict=False, min_length=1, description="Addresses of the recipients.")
    starttls: bool = Field(default=False, description="Whether to switch to TLS on an smtp:// connection.")
    user: str | None = Field(default=None, description="Name to log in with; needs password_file.")
    password_file: Path | None = Field(default=None, strict=False, description="File that holds the password alone.")
    ca_file: Path | None = Field(
        default=None,
        strict=False,
        description="Certificate of the server's authority, for smtps:// or starttls; without it those of the system.",
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        implicit = self.smtp.startswith("smtps://")
        if (self.user is None) != (self.password_file is None):
            raise ValueError(Sentence("user and password_file need each other: give both, or neither"))
        if implicit and self.starttls:
            raise ValueError(Sentence("starttls is for smtp://: a connection to smtps:// has TLS from its start"))
        if self.ca_file is not None and not (implicit or self.starttls):
            raise ValueError(Sentence("ca_file is for TLS: set starttls, or use smtps://"))
        return self


class ReportSettings(BaseModel):
    """``[report]``: what a site chooses of its reports."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    sections: tuple[str, ...] = Field(
        default=(), strict=False, description="Sections and their order; without it all that have content."
    )
    signatures: tuple[str, ...] = Field(
        default=(), strict=False, max_length=6, description="Names or offices that sign; each gets a box."
    )
    logo: Path | None = Field(default=None, strict=False, description="A picture in SVG or PNG.")
    font_dir: Path | None = Field(
        default=None, strict=False, description="Folder of the type face BIZ UDPGothic, where it is not installed."
    )
    beside: tuple[Annotated[Path, Field(strict=False)], ...] = Field(
        default=(),
        strict=False,
        max_length=12,
        description="Other facilities' kado.toml that stand beside this one in the report, each by its own rules.",
    )
    draft_at: str | None = Field(
        default=None,
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="Time of the first of each month at which `kado run` makes last month's draft; without it none.",
    )
    lang: Language = Field(default="ja", description="Language of the draft.")
    command: tuple[str, ...] = Field(
        default=(), strict=False, description="Program and arguments that are run with the draft's path behind them."
    )
    mail: MailSettings | None = Field(default=None, description="Where the draft is sent by e-mail.")
    corrections_days: int = Field(
        default=10, ge=0, le=365, description="Days after the draft in which corrections can still enter the report."
    )


class Settings(BaseSettings):
    """The keys of ``kado.toml``; `settings_model` adds the kinds of source."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", strict=True, env_prefix=ENV_PREFIX, env_nested_delimiter="__", title="kado.toml"
    )

    # Variables of this prefix that are no key of the file.
    other_variables: ClassVar[frozenset[str]] = frozenset(
        {"KADO_CONFIG", "KADO_DEMO_SECONDS", "KADO_LANG", "KADO_CACHE", "KADO_REQUIRE_SERVICES", "KADO_TEST_DATA"}
    )

    facility: str = Field(
        min_length=1, description="A facility profile that comes with kado, or the path of your own .toml file."
    )
    data_dir: Path = Field(
        default=Path("data"),
        strict=False,
        description="Folder for telemetry.db and journal.db, relative to the folder of kado.toml.",
    )
    store: Annotated[StoreSettings, Field(discriminator="kind")] = Field(
        default=EmbeddedSettings(), description="Where samples are kept."
    )
    landing: LandingSettings = Field(default=LandingSettings(), description="What bounds telemetry.db.")
    schedule: CalendarWords = Field(
        default=CalendarWords(), description="What the words of a calendar program mean in the operation calendar."
    )
    page: PageSettings | None = Field(default=None, description="The control room's page; without it: not served.")
    metrics: MetricsSettings | None = Field(default=None, description="What Prometheus reads; without it: not served.")
    alarms: AlarmSettings | None = Field(default=None, description="Alarms; without the table: none.")
    publish: PublishSettings | None = Field(
        default=None, description="Figures published to InfluxDB for Grafana; without it: none."
    )
    report: ReportSettings = Field(default=ReportSettings(), description="What a site chooses of its reports.")
    source: tuple[Any, ...] = Field(default=(), strict=False, description="Where signals come from.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment override the file."""
        return env_settings, init_settings


class FileSettings(Settings):
    """What stands in the file, whatever the environment says."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let nothing override the file."""
        return (init_settings,)


@cache
def settings_model(*, environment: bool = True) -> type[Settings]:
    """Return `Settings` with ``[[source]]`` tables of all kinds that there are."""
    base = Settings if environment else FileSettings
    union: Any = Union[tuple(source_classes().values())]  # noqa: UP007 - its members are known at run time only
    one: Any = Annotated[union, Field(discriminator="kind")]
    several: Any = tuple
    return create_model("Settings", __base__=base, source=(several[one, ...], Settings.model_fields["source"]))


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings with what they name: the facility's profile, absolute places."""

    path: Path
    """The file that the settings came from."""
    settings: Settings
    profile: Profile

    @property
    def folder(self) -> Path:
        """Where relative paths in the file start from, and own definitions lie."""
        return self.path.parent

    @property
    def data_dir(self) -> Path:
        """Folder of telemetry.db and journal.db."""
        return self.folder / self.settings.data_dir

    @property
    def backend(self) -> StoreBackend:
        """The store, with all that its kind decides."""
        return self.store.backend(self.profile, self.data_dir, self.path, derived=bool(self.published))

    @property
    def store(self) -> StoreSettings:
        """Where samples are kept."""
        return self.settings.store

    @property
    def calendar_words(self) -> CalendarWords:
        """What the words of a calendar program mean."""
        return self.settings.schedule

    @property
    def published(self) -> tuple[str, ...]:
        """Definitions by which figures are published: the facility's own and those of ``[publish]``, where it is."""
        publish = self.settings.publish
        return () if publish is None else tuple(dict.fromkeys((self.profile.definition, *publish.definitions)))

    @property
    def sources(self) -> tuple[SourceSpec, ...]:
        """Where signals come from."""
        return self.settings.source


def load_configuration(path: Path | None = None, *, environment: bool = True) -> Configuration:
    """Load ``kado.toml``, the environment variables that override it, and the profile that it names.

    Parameters
    ----------
    path
        The file; None: ``kado.toml`` in the working folder.
    environment
        Whether the environment overrides the file; not that of another kado.

    Raises
    ------
    ConfigError
        With a line for each key that is unknown, missing or wrong.
    ProfileError
        If the facility's profile is not there or contradicts itself.
    """
    path = (path or DEFAULT_PATH).absolute()
    if not path.is_file():
        raise ConfigError(
            Sentence(
                "no configuration at {path}: write one with 'kado init', or name another with --config FILE", path=path
            )
        )
    document = read_toml(path, ConfigError)
    if environment:
        _check_environment(os.environ)
    settings = build(settings_model(environment=environment), document, _named(path), ConfigError)
    sources = tuple(_placed(source, path.parent) for source in settings.source)
    settings = settings.model_copy(update={"source": sources})
    configuration = Configuration(path, settings, load_profile(settings.facility, path.parent))
    if problems := _contradictions(configuration):
        raise ConfigError(
            Sentence.joined(Sentence("{name}: {problem}", name=_named(path), problem=problem) for problem in problems)
        )
    return configuration


def configuration_of_profile(facility: str) -> Configuration:
    """Return a configuration that names a profile and nothing else, for what needs no kado.toml.

    Raises
    ------
    ProfileError
        If there is no such profile.
    """
    path = DEFAULT_PATH.absolute()
    settings = build(settings_model(environment=False), {"facility": facility}, "--facility", ConfigError)
    return Configuration(path, settings, load_profile(facility, path.parent))


def _placed(source: BaseModel, folder: Path) -> BaseModel:
    """Let the files that a source names start from the folder of ``kado.toml``."""
    paths = {name: value for name, value in source if isinstance(value, Path)}
    return source.model_copy(update={name: folder / value for name, value in paths.items()})


def _named(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _check_environment(environ: Mapping[str, str]) -> None:
    for key in ("KADO_STORE", "KADO_LANDING", "KADO_SOURCE"):
        try:
            json.loads(environ.get(key, "null"))
        except ValueError as error:
            raise ConfigError(
                Sentence(
                    "environment: {key} is not JSON ({error}); write tables and lists as JSON", key=key, error=error
                )
            ) from error
    keys = [f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields]
    for name in environ:
        key, nested, _ = name.upper().partition("__")
        if not key.startswith(ENV_PREFIX) or key in keys or key in Settings.other_variables:
            continue
        near = difflib.get_close_matches(key, keys, n=1, cutoff=0.8)
        if near or nested:
            known = (
                Sentence("did you mean {word}?", word=f"{near[0]}{nested}")
                if near
                else Sentence("known are {words}", words=", ".join(keys))
            )
            raise ConfigError(
                Sentence("environment: {name} overrides no key of kado.toml; {known}", name=name, known=known)
            )


def _contradictions(configuration: Configuration) -> list[Sentence]:
    problems: list[Sentence] = []
    profile = configuration.profile
    known = [signal.id for signal in profile.signals]
    ids = [source.id for source in configuration.sources]
    problems += [
        Sentence("two sources are called {source!r}: an id must be unique", source=i)
        for i in sorted(set(ids))
        if ids.count(i) > 1
    ]
    for source in configuration.sources:
        kind = source.kind
        if kind in simulated_kinds() and not profile.simulated:
            problems.append(
                Sentence(
                    "source {source!r} is a simulator and facility {facility!r} is real: simulated samples go to a "
                    "facility of their own, such as nanoterasu_sim",
                    source=source.id,
                    facility=profile.id,
                )
            )
        if link_signal(source.id) in known:
            problems.append(
                Sentence(
                    "source {source!r}: its link would be stored as {signal!r}, which is the name of a signal: give "
                    "the source another id",
                    source=source.id,
                    signal=link_signal(source.id),
                )
            )
        for signal in source.signals:
            if signal not in known:
                problems.append(
                    Sentence(
                        "source {source!r}: facility {facility} has no signal {signal!r}; {hint}",
                        source=source.id,
                        facility=profile.id,
                        signal=signal,
                        hint=nearest(signal, known),
                    )
                )
    stored = [*known, *(link_signal(source.id) for source in configuration.sources)]
    for signal in configuration.store.named_signals:
        # What is deleted is gone: a name that was misspelt must not fall back to the rule for all.
        if signal not in stored:
            problems.append(
                Sentence(
                    "store.retention.signals: facility {facility} has no signal {signal!r}; {hint}",
                    facility=profile.id,
                    signal=signal,
                    hint=nearest(signal, stored),
                )
            )
    return problems
