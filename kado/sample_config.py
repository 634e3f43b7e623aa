"""The commented ``kado.toml`` that ``kado init`` writes."""

from typing import Final, Literal

from facility.profile import Profile, shipped_profiles
from simulators.scenario import shipped_scenarios

_HEAD: Final = """\
# kado.toml: what this kado watches, and where it keeps what it saw. Times, figures and rules are not here: they
# belong to the facility's profile and to the accounting definitions.
#
# An option behind "# " shows its default, or an example where there is none. `kado check` tells whether all is
# right; `kado schema` prints the JSON Schema. The environment overrides this file: KADO_FACILITY, KADO_DATA_DIR,
# KADO_STORE__KIND, KADO_LANDING__MAX_BYTES, and KADO_SOURCE with a list in JSON. Relative paths start here.

# The facility: a profile that comes with kado ({shipped}), or the path of your own, "my_ring.toml".
# A profile names the signals, their limits and the time zone.
facility = "{facility}"

# Folder for telemetry.db (samples, ledger) and journal.db (calendar). One facility, one store, one running kado a
# folder. Default: "data".
data_dir = "data"

# Where samples are kept. A data_dir stays with the kind of store that it was begun with.
[store]
"""


_EMBEDDED: Final = """\
# "embedded": in data_dir, no server. "influxdb": in an InfluxDB 2; see `kado init --store influxdb`.
# Default: "embedded".
kind = "embedded"
# After so many days `kado run` seals a day into Parquet files below data_dir/archive, a tenth of the size.
# Late samples are welcome at any time. Default: 2.
# seal_after_days = 2
# Where these files lie: a folder on shared storage, or s3://bucket/prefix?region=NAME, for another service with
# &endpoint_override=HOST:PORT. Its keys come from the environment or from files, never from here. Default: the
# folder archive in data_dir.
# archive = "s3://bucket/kado"
# For how long samples are kept. Default: forever, which takes a few bytes a sample once it is sealed. After
# keep_days `kado run` deletes samples for good, and figures of that time can no longer be computed; signals says the
# same for single ones, and "forever" exempts one. Whole files go, so up to a month more is kept.
# retention = {{ keep_days = 3650, signals = {{ {number} = 400, {delivery} = "forever" }} }}
"""


_INFLUXDB: Final = """\
# "embedded": in data_dir, no server. "influxdb": in an InfluxDB 2. While it is away samples wait in data_dir, and
# none is lost. Default: "embedded".
kind = "influxdb"
# Address of the server.
url = "http://localhost:8086"
# Organisation that owns the bucket.
org = "kado"
# Bucket that takes the samples; `kado store init` makes it, and kado_1m beside it for what each minute comes to.
bucket = "kado"
# A token that may read and write the bucket stands in a file of its own, never here ...
token_file = "influxdb.token"
# ... or in an environment variable, instead of token_file.
# token_env = "KADO_INFLUXDB_TOKEN"
# Seconds that an answer may take before it counts as none.
# timeout_s = 10.0
# Days for which `kado store init` lets the bucket keep samples. Without it: forever.
# retention_days = 3660
# The same for what each minute comes to, which takes a sixtieth of the space. Without it: forever.
# minutes_retention_days = 36600
"""


_LANDING: Final = """
[landing]
# So many bytes of telemetry.db may be used; then sources wait and lag until some is forwarded or deleted. With the
# embedded store these are the days that are not sealed yet. Default: 16 GiB.
# max_bytes = 17179869184

# The control room's page, for a browser: figures, history, record. Without the table it is not served.
[page]
# Address and port; on loopback everybody on this machine may read it, and people with an account may write (`kado user
# add`). Any other address needs accounts, and https or a proxy. Default: "127.0.0.1:8420".
# listen = "127.0.0.1:8420"
# Names by which browsers reach it, without port; addresses and localhost need not be named. Default: none.
# hosts = ["kado.example.org"]
# Whether everybody who reaches it may read without an account. Default: false.
# public = false
# Certificate chain and key in PEM, for https by kado itself. Default: none.
# certificate_file = "kado.crt"
# key_file = "kado.key"
# Whether passwords may cross the network without https: on an isolated network only. Default: false.
# plain_http = false
# Hours after which people log in again. Default: 12.
# session_h = 12.0
# A reverse proxy in front of the page, such as nginx. Default: none.
# [page.proxy]
# Addresses or networks that it connects from.
# addresses = ["127.0.0.1"]
# Header in which it names the user that it has checked; it must take away what browsers send under that name.
# Default: none, people log in to kado.
# user_header = "X-Remote-User"
# Role of users whom it names and who have no account: "viewer" or another. Default: none, they are refused.
# default_role = "viewer"

# How kado stands, for Prometheus: /metrics, /healthz, /readyz. Without the table nothing is served.
# [metrics]
# Address and port; everybody who reaches it may read it, so leave it on loopback. Default: "127.0.0.1:8421".
# listen = "127.0.0.1:8421"

# Alarms: conditions on which a person must act. Without the table there are none.
# [alarms]
# Files with alarm rules, beside this file. Default: the rules that come with the facility's profile.
# rules = ["alarms.toml"]
# For so many seconds a sample may be under way and still be in order; alarms are that much behind. Default: 1.
# settle_s = 1.0
# Targets that alarms are sent to where a rule names none. Default: all.
# notify = ["control_room"]
# Address of a page with the alarms, for each message. Default: none.
# link = "https://kado.example.org/"
# Where alarms are sent; as many tables as wanted. An Alertmanager ...
# [[alarms.target]]
# Its name, for notify of a rule and of [alarms].
# id = "control_room"
# "alertmanager" or "apprise".
# kind = "alertmanager"
# Its address.
# url = "http://127.0.0.1:9093"
# A bearer token, where a proxy asks for one, stands in a file. Default: none.
# token_file = "alertmanager.token"
# Language of the messages, "ja" or "en". Default: "ja".
# lang = "en"
# Priorities that it is sent. Default: all.
# priorities = ["critical", "high"]
# The same for classes. Default: all.
# classes = ["beam"]
# Seconds that one attempt may take. Default: 10.
# timeout_s = 10.0
# ... or e-mail and other services by Apprise (pip install 'kado[notify]'); url_file for an address with a secret.
# [[alarms.target]]
# Its name.
# id = "on_call"
# Its kind.
# kind = "apprise"
# The address in Apprise's form.
# url = "mailto://mail.example.org:25?from=kado@example.org&to=shift@example.org"
# The file that holds the address alone, instead of url.
# url_file = "on_call.url"
# Alarms of a class within so many seconds are one message. Default: 10.
# group_s = 10.0
# Critical and high alarms that nobody acknowledged are sent again after so many seconds. Default: 1800.
# repeat_s = 1800.0
"""


_PUBLISH: Final = """
# Figures, events, beam state and plan for Grafana, in the bucket <bucket>_derived. Without the table nothing is
# published.
# [publish]
# Definitions beside the facility's own by which figures are published. Default: none.
# definitions = ["sls"]
"""

_SCHEDULE: Final = """
[schedule]
# What a calendar program's words mean, for `kado schedule import` of .ics files: user, reserve, study, tuning,
# maintenance, shutdown, commissioning, or ignore. kado's own words are understood without this. First the words of
# CATEGORIES, then SUMMARY, where * stands for any text. Default: none.
# categories = { "User beam" = "user", "Seminar" = "ignore" }
# summaries = { "Maintenance*" = "maintenance" }
"""

_SIMULATOR: Final = """
# Where signals come from: one [[source]] table for each.
[[source]]
# Name of the source, in the ledger and as the series <id>_link that records whether it was connected.
id = "ring"
# A simulated machine in this process; only for a facility whose profile says simulated = true.
kind = "simulator"
# What goes wrong, and how often: {scenarios}, or the path of your own .toml file.
# Default: "demo".
scenario = "demo"
# Another seed, another history. Default: 1.
seed = 1
# First instant to deliver; what has passed already comes at once. Without it: the moment of connecting.
# start = 2026-11-01T00:00:00+09:00
# Other than 1: how fast simulated time runs from start until it meets the present. Default: 1.0.
# speed = 1.0
# Which of the profile's signals it delivers. Default: all that the simulated machine has.
# signals = ["stored_current", "stored_current_2", "machine_mode", "beam_lifetime"]
"""


_MQTT: Final = """
# Where signals come from: one [[source]] table for each.
[[source]]
# Name of the source, in the ledger and as the series <id>_link that records whether it was connected.
id = "ring"
# An MQTT broker. Each message is acknowledged only when it is on this disk.
kind = "mqtt"
# Its address; mqtts:// for TLS.
url = "mqtt://localhost:1883"
# Who logs in. Without it: nobody.
# username = "kado"
# The password stands in a file of its own, never here ...
# password_file = "mqtt.password"
# ... or in an environment variable, instead of password_file.
# password_env = "KADO_MQTT_PASSWORD"
# The authority that signed the broker's certificate, for mqtts://. Without it: those that this machine trusts.
# ca_file = "ca.pem"
# The library that speaks MQTT: "mqttium" or "aiomqtt"; both give the same promises. Default: "mqttium".
# client = "mqttium"
# Name of the session at the broker; two clients must not share one. Default: kado-<facility>-<id>.
# client_id = "kado-ring"
# Seconds for which the broker keeps messages while kado is away. Default: a week.
# session_expiry_s = 604800
# What a message holds: "json" ({{"time": ..., "value": ...}} or an array of them), "value" (a bare number, stamped
# on arrival) or "influx" (line protocol). Default: "json".
# format = "json"
# "document" takes JSON of any form. Where the time of all its signals stands in it: a JSON Pointer. Default: "/time".
# time_pointer = "/time"
# How it writes times. Default: "iso8601".
# time_format = "iso8601"
# What the words at quality_pointer mean. Default: kado's own words.
# qualities = {{ NO_ALARM = "good", MINOR = "uncertain", INVALID = "bad" }}
# A CSV file with one mapping a line, beside or instead of the [[source.signal]] tables. Default: none.
# mapping_file = "mqtt-signals.csv"
# Larger messages are rejected. Default: 1 MiB.
# max_payload_bytes = 1048576
# So many samples at most are made durable together. Default: 2000.
# batch_size = 2000
# Seconds for which samples are gathered before that. Default: 0.01.
# batch_delay_s = 0.01
"""


_MAPPING: Final = """
  [[source.signal]]
  topic = "{facility}/ring/{signal}"
  signal = "{signal}"
"""


_MAPPING_HELP: Final = """
  # Which topic carries which signal of the profile; no wildcards. With format = "influx" also name the line:
  # series = "beam,monitor=dcct1"   measurement and tags
  # field = "value"                 field that holds the value; default: "value"
"""


_REPORT: Final = """
# Reports: kado report.
# [report]
# Sections and their order: figures, remarks, signal, calendar, months, accounts, failures, systems, alarms, unknown,
# corrections, reliability, outlook, beamlines, milestones, facilities, provenance. Default: all that have content.
# sections = ["figures", "signal", "failures", "provenance"]
# Names or offices that sign; each gets a box. Default: none.
# signatures = ["Operation", "Director"]
# A picture in SVG or PNG. Default: none.
# logo = "logo.svg"
# Folder of the type face BIZ UDPGothic, where it is not installed.
# font_dir = "fonts"
# Other facilities' kado.toml that stand beside this one in the report, each by its own rules. Default: none.
# beside = ["../spring8/kado.toml", "../sacla/kado.toml"]
# Time of the first of each month at which `kado run` makes last month's draft, in the facility's zone. Default: never.
# draft_at = "09:00"
# Language of the draft: "ja" or "en". Default: "ja".
# lang = "ja"
# Program and arguments that are run with the path of the draft behind them. Default: none.
# command = ["/usr/local/bin/print-report"]
# Where the draft is sent by e-mail: smtp (smtp:// or smtps://), sender, to; where needed starttls, user and
# password_file, and ca_file for a server whose certificate is not of a public authority. Default: nowhere.
# mail = {{ smtp = "smtp://localhost:25", sender = "kado@example.org", to = ["operation@example.org"] }}
# Days after the draft in which corrections can still enter the report. Default: 10.
# corrections_days = 10
"""


def sample_configuration(
    profile: Profile, facility: str, store: Literal["embedded", "influxdb"], source: Literal["simulator", "mqtt"]
) -> str:
    """Return the text of a configuration with every option commented.

    Parameters
    ----------
    facility
        As it stands in the file: a shipped profile's name, or a path.
    source
        The kind of the first source; its signals are the profile's.
    """
    text = _HEAD.format(shipped=", ".join(shipped_profiles()), facility=facility)
    others = [signal.id for signal in profile.signals if signal.id != profile.delivery_signal]
    names = {"delivery": profile.delivery_signal, "number": others[0] if others else profile.delivery_signal}
    text += _INFLUXDB if store == "influxdb" else _EMBEDDED.format(**names)
    text += _LANDING + _SCHEDULE
    if store == "influxdb":
        text += _PUBLISH
    text += _REPORT.format()
    if source == "simulator":
        return text + _SIMULATOR.format(scenarios=", ".join(shipped_scenarios()))
    mappings = (_MAPPING.format(facility=profile.id, signal=signal.id) for signal in profile.signals)
    return text + _MQTT.format() + _MAPPING_HELP + "".join(mappings)
