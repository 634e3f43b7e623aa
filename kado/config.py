"""``kado.toml``: what a kado is made of, checked strictly before anything starts."""

import difflib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, Union, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from facility.documents import build, read_toml
from facility.errors import ConfigError
from facility.profile import Profile, load_profile
from facility.schedule_words import CalendarWords
from facility.signals import link_signal
from facility.source import SourceSpec
from facility.text import Language
from kado.notification_settings import TargetSettings
from kado.source_kinds import simulated_kinds, source_classes
from storage.data_dir import DataDir

DEFAULT_PATH = Path("kado.toml")


ENV_PREFIX = "KADO_"


KeepDays = Annotated[int, Field(ge=1)]


class RetentionSettings(BaseModel):
    """``[store] retention = { ... }``: for how long samples are kept; without it, for ever."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    keep_days: KeepDays | None = Field(
        default=None,
        description="Days after which `kado run` deletes samples for good, where `signals` says nothing else; "
        "without it: never.",
    )
    signals: dict[str, KeepDays | Literal["forever"]] = Field(
        default={},
        description="The same for single signals, such as { beam_lifetime = 400, machine_mode = 'forever' }.",
    )

    @field_validator("signals", mode="before")
    @classmethod
    def _days_or_forever(cls, value: Any) -> Any:
        for signal, days in cast("dict[str, Any]", value).items() if isinstance(value, dict) else ():
            if days != "forever" and (type(days) is not int or days < 1):
                raise ValueError(f"{signal} = {days!r}: give whole days, at least 1, or 'forever'")
        return cast("Any", value)

    def days(self, signal: str) -> int | None:
        """Return for how many days a signal is kept; None: for ever."""
        days = self.signals.get(signal, self.keep_days)
        return None if days == "forever" else days


class EmbeddedSettings(BaseModel):
    """``[store] kind = "embedded"``: everything in files below ``data_dir``, no server."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["embedded"] = "embedded"
    seal_after_days: int = Field(
        default=2, ge=1, description="Days after which `kado run` turns a day's rows into sealed Parquet files."
    )
    archive: str | None = Field(
        default=None,
        min_length=1,
        description="Where sealed files lie: a folder, relative to that of kado.toml, or s3://bucket/prefix with the "
        "options endpoint_override, scheme and region; without it the folder archive in data_dir. Keys come from the "
        "environment or from files, as the AWS tools read them.",
    )
    retention: RetentionSettings = Field(
        default=RetentionSettings(), description="For how long samples are kept; by default for ever."
    )

    @field_validator("archive")
    @classmethod
    def _no_secret(cls, value: str | None) -> str | None:
        if value is not None and "://" in value and "@" in urlsplit(value).netloc:
            raise ValueError(
                "it holds credentials: name them in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or in "
                "a file (AWS_SHARED_CREDENTIALS_FILE), never in kado.toml"
            )
        return cast("Any", value)


class InfluxSettings(BaseModel):
    """``[store] kind = "influxdb"``: samples go to an InfluxDB 2."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["influxdb"]
    url: str = Field(pattern=r"^https?://.+", description="Address of the server, such as http://localhost:8086.")
    org: str = Field(min_length=1, description="Organisation that owns the bucket.")
    bucket: str = Field(min_length=1, description="Bucket that takes the samples.")
    token_file: Path | None = Field(
        default=None, strict=False, description="File with the token, relative to the folder of kado.toml."
    )
    token_env: str | None = Field(
        default=None, min_length=1, description="Environment variable with the token; instead of token_file."
    )
    timeout_s: float = Field(
        default=10.0, gt=0, allow_inf_nan=False, description="How long an answer may take before it counts as none."
    )
    retention_days: int | None = Field(
        default=None, ge=1, description="For `kado store init`: days for which the bucket keeps samples; else for ever."
    )
    minutes_retention_days: int | None = Field(
        default=None, ge=1, description="For `kado store init`: the same for what each minute comes to, in <bucket>_1m."
    )

    @field_validator("url")
    @classmethod
    def _no_secret_in_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if "@" in parts.netloc:
            raise ValueError("url holds credentials: give the token by token_file or token_env, never in kado.toml")
        if parts.query or parts.fragment:
            raise ValueError(
                "url has a query ('?') or a fragment ('#'): write the address alone, such as http://localhost:8086, and"
                " give the token by token_file or token_env"
            )
        return cast("Any", value)

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if (self.token_file is None) == (self.token_env is None):
            raise ValueError("give the token by exactly one of token_file and token_env (never in kado.toml itself)")
        return self

    @property
    def token_source(self) -> str:
        """Where the token comes from, for messages."""
        if self.token_env is not None:
            return f"the environment variable {self.token_env} (store.token_env)"
        return f"{self.token_file} (store.token_file)"

    def token(self, folder: Path, environ: Mapping[str, str]) -> str:
        """Read the token; `folder` is where a relative ``token_file`` starts from.

        Raises
        ------
        ConfigError
            If there is none.
        """
        if self.token_env is not None:
            text = environ.get(self.token_env, "")
        else:
            path = folder / cast("Path", self.token_file)
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{path} (store.token_file) cannot be read: {error}") from error
        if not (token := text.strip()):
            raise ConfigError(
                f"{self.token_source} holds no token: put one there that may read and write bucket {self.bucket!r}"
            )
        return token


StoreSettings = EmbeddedSettings | InfluxSettings


class LandingSettings(BaseModel):
    """``[landing]``: the file in which samples become durable, ``telemetry.db``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    max_bytes: int = Field(
        default=16 * 1024**3,
        ge=16 * 1024**2,
        description="So much of telemetry.db may be used; then sources wait, until some is forwarded or deleted.",
    )


class PageSettings(BaseModel):
    """``[page]``: the control room's page; without the table it is not served."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    listen: str = Field(default="127.0.0.1:8420", pattern=r"^[^\s:]+:\d+$", description="Address and port of the page.")


def is_loopback(host: str) -> bool:
    """Whether an address is reached from the same machine only."""
    return host == "localhost" or host.startswith("127.")


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
                raise ValueError(f"two targets are called {name!r}: an id must be unique")
        for name in self.notify or ():
            if name not in ids:
                near = difflib.get_close_matches(name, ids, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(ids) or 'none'}"
                raise ValueError(f"notify names {name!r}, and no [[alarms.target]] has that id; {hint}")
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
    union: Any = Union[tuple(source_classes().values())]  # noqa: UP007
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
    def archive(self) -> str:
        """Folder or address of the sealed files of an embedded store."""
        chosen = self.store.archive if isinstance(self.store, EmbeddedSettings) else None
        if chosen is None:
            return str(DataDir(self.data_dir).archive)
        return chosen if "://" in chosen else str(self.folder / chosen)

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
    """Load ``kado.toml``, the environment laid over it, and the profile that it names.

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
        raise ConfigError(f"no configuration at {path}: write one with 'kado init', or name another with --config FILE")
    document = read_toml(path, ConfigError)
    if environment:
        _check_environment(os.environ)
    settings = build(settings_model(environment=environment), document, _named(path), ConfigError)
    sources = tuple(_placed(source, path.parent) for source in settings.source)
    settings = settings.model_copy(update={"source": sources})
    configuration = Configuration(path, settings, load_profile(settings.facility, path.parent))
    if problems := _contradictions(configuration):
        raise ConfigError("\n".join(f"{_named(path)}: {problem}" for problem in problems))
    return configuration


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
            raise ConfigError(f"environment: {key} is not JSON ({error}); write tables and lists as JSON") from error
    keys = [f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields]
    for name in environ:
        key, nested, _ = name.upper().partition("__")
        if not key.startswith(ENV_PREFIX) or key in keys or key in Settings.other_variables:
            continue
        near = difflib.get_close_matches(key, keys, n=1, cutoff=0.8)
        if near or nested:
            known = f"did you mean {near[0]}{nested}?" if near else f"known are {', '.join(keys)}"
            raise ConfigError(f"environment: {name} overrides no key of kado.toml; {known}")


def _contradictions(configuration: Configuration) -> list[str]:
    problems: list[str] = []
    profile = configuration.profile
    known = [signal.id for signal in profile.signals]
    ids = [source.id for source in configuration.sources]
    problems += [f"two sources are called {i!r}: an id must be unique" for i in sorted(set(ids)) if ids.count(i) > 1]
    for source in configuration.sources:
        kind = source.kind
        if kind in simulated_kinds() and not profile.simulated:
            problems.append(
                f"source {source.id!r} is a simulator and facility {profile.id!r} is real: simulated samples go to a "
                "facility of their own, such as nanoterasu_sim"
            )
        if link_signal(source.id) in known:
            problems.append(
                f"source {source.id!r}: its link would be stored as {link_signal(source.id)!r}, a signal's name"
            )
        for signal in source.signals:
            if signal not in known:
                near = difflib.get_close_matches(signal, known, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}"
                problems.append(f"source {source.id!r}: facility {profile.id} has no signal {signal!r}; {hint}")
    if isinstance(configuration.store, EmbeddedSettings):
        links = [link_signal(source.id) for source in configuration.sources]
        for signal in configuration.store.retention.signals:
            # What is deleted is gone: a name that was misspelt must not fall back to the rule for all.
            if signal not in (*known, *links):
                near = difflib.get_close_matches(signal, [*known, *links], n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join([*known, *links])}"
                problems.append(f"store.retention.signals: facility {profile.id} has no signal {signal!r}; {hint}")
    return problems
