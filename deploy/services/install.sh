#!/usr/bin/env bash
# Gets the servers and programs that the system tests and benchmarks use: Mosquitto, Prometheus, Alertmanager,
# PostgreSQL, nginx, InfluxDB, versitygw (S3 over a folder), Chromium, and a Japanese type face with two weights.
#
#   deploy/services/install.sh           what the tests use
#   deploy/services/install.sh --bench   also Telegraf, which the benchmarks measure against
#
# Distribution packages come from apt; influxd, versitygw and telegraf, which Debian does not carry, are built
# from their Go modules into ${KADO_CACHE:-${XDG_CACHE_HOME:-~/.cache}/kado}/bin, once a version.
# What this machine cannot have is named at the end with the reason, and is no error.
# No server is left running.
set -euo pipefail

readonly INFLUXDB_VERSION=2.7.12
readonly INFLUXDB_PKG_CONFIG_VERSION=0.2.14
readonly TELEGRAF_VERSION=1.37.2
readonly VERSITYGW_VERSION=1.8.0
readonly GO_NEEDED=1.23
readonly VERSITYGW_GO_NEEDED=1.25
readonly PACKAGES=(
    mosquitto mosquitto-clients prometheus prometheus-alertmanager postgresql nginx-light
    chromium fonts-morisawa-bizud-gothic poppler-utils
)
readonly BUILD_PACKAGES=(clang gcc libc6-dev protobuf-compiler)

BIN="${KADO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kado}/bin"
PATH="$PATH:/usr/sbin:/usr/local/go/bin:$HOME/.cargo/bin" # where they are, if the caller's PATH forgot
READY=()
LEFT_OUT=()

say() { printf '%s\n' "services: $*"; }
die() {
    say "$*" >&2
    exit 1
}
left_out() { LEFT_OUT+=("$1: $2"); }

as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    else
        sudo "$@"
    fi
}

can_be_root() { [[ $(id -u) == 0 ]] || command -v sudo >/dev/null; }

is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# A package's own service would hold the port and start with the machine.
stop_service() {
    if [[ -d /run/systemd/system ]]; then
        as_root systemctl disable --quiet --now "$1.service" || true
    elif [[ -x /etc/init.d/$1 ]]; then
        as_root "/etc/init.d/$1" stop >/dev/null || true
    fi
}

# apt_install PACKAGE...: those that are not there yet; false, with a reason, where that cannot be.
apt_install() {
    local package missing=()
    if ! command -v apt-get >/dev/null; then
        REASON="this is not a Debian system (no apt-get); install $* by hand"
        return 1
    fi
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    if ! can_be_root; then
        REASON="needs root or sudo for: apt-get install ${missing[*]}"
        return 1
    fi
    say "apt-get install ${missing[*]}"
    as_root apt-get update -q </dev/null 9>&- || die "apt-get update failed"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null 9>&- \
        || die "apt-get install failed"
    for package in "${missing[@]}"; do
        case $package in mosquitto | prometheus | prometheus-alertmanager | postgresql | nginx-light)
            stop_service "${package%-light}" ;; esac
    done
}

# has_go NEEDED: true where Go is new enough, else false with a reason.
has_go() {
    local version needed=$1
    if ! command -v go >/dev/null; then
        REASON="needs Go >= $needed (https://go.dev/dl), which is not on the PATH"
        return 1
    fi
    version=$(GOTOOLCHAIN=local go env GOVERSION)
    version=${version#go}
    if [[ $(printf '%s\n' "$needed" "$version" | sort -V | head -n 1) != "$needed" ]]; then
        REASON="needs Go >= $needed (https://go.dev/dl), found $version at $(command -v go)"
        return 1
    fi
}

has_rust() {
    if ! command -v rustup >/dev/null; then
        REASON="needs rustup (https://rustup.rs) with its stable toolchain; a distribution's rustc is too old"
        return 1
    fi
    if ! rustup run stable cargo --version >/dev/null 2>&1; then
        REASON="needs Rust's stable toolchain: rustup toolchain install stable"
        return 1
    fi
}

# publish NAME VERSION FILE: the finished binary appears at once or not at all.
publish() {
    mv -f "$3" "$BIN/$1-$2"
    ln -sfn "$1-$2" "$SCRATCH/link"
    mv -fT "$SCRATCH/link" "$BIN/$1"
}

# scratch_module DIRECTORY MODULE@VERSION: `go install` refuses modules with a replace directive.
scratch_module() {
    mkdir -p "$1"
    cd "$1"
    go mod init scratch
    go get "$2"
}

build_influxd() (
    say "building influxd $INFLUXDB_VERSION (3 to 5 minutes)"
    GOBIN=$SCRATCH go install "github.com/influxdata/pkg-config@v$INFLUXDB_PKG_CONFIG_VERSION"
    # Its build dependency denies warnings, and RUSTFLAGS do not reach build dependencies.
    printf '#!/bin/sh\nexec "$@" --cap-lints warn\n' >"$SCRATCH/rustc-wrapper"
    chmod +x "$SCRATCH/rustc-wrapper"
    scratch_module "$SCRATCH/influxdb" "github.com/influxdata/influxdb/v2@v$INFLUXDB_VERSION"
    # RUSTUP_TOOLCHAIN: the module pins a toolchain that is no longer usable.
    PKG_CONFIG=$SCRATCH/pkg-config RUSTUP_TOOLCHAIN=stable RUSTC_WRAPPER=$SCRATCH/rustc-wrapper \
        GOFLAGS=-mod=mod go build -tags sqlite_foreign_keys,sqlite_json \
        -o "$SCRATCH/influxd" github.com/influxdata/influxdb/v2/cmd/influxd
    publish influxd "$INFLUXDB_VERSION" "$SCRATCH/influxd"
)

build_telegraf() (
    say "building telegraf $TELEGRAF_VERSION (under a minute)"
    scratch_module "$SCRATCH/telegraf-module" "github.com/influxdata/telegraf@v$TELEGRAF_VERSION"
    GOFLAGS=-mod=mod go build \
        -tags custom,inputs.mqtt_consumer,outputs.influxdb_v2,parsers.influx,parsers.json_v2 \
        -o "$SCRATCH/telegraf" github.com/influxdata/telegraf/cmd/telegraf
    publish telegraf "$TELEGRAF_VERSION" "$SCRATCH/telegraf"
)

build_versitygw() (
    say "building versitygw $VERSITYGW_VERSION (1 to 2 minutes)"
    scratch_module "$SCRATCH/versitygw-module" "github.com/versity/versitygw@v$VERSITYGW_VERSION"
    GOFLAGS=-mod=mod go build -o "$SCRATCH/versitygw" github.com/versity/versitygw/cmd/versitygw
    publish versitygw "$VERSITYGW_VERSION" "$SCRATCH/versitygw"
)

get_packages() {
    if apt_install "${PACKAGES[@]}"; then
        READY+=("mosquitto ($(command -v mosquitto))" "promtool ($(command -v promtool))")
    else
        left_out "${PACKAGES[*]}" "$REASON"
    fi
}

# The builds run outside of any `if`, where `set -e` still holds: a failed build ends this script.
get_influxd() {
    if [[ ! -x $BIN/influxd-$INFLUXDB_VERSION ]]; then
        if ! has_go "$GO_NEEDED" || ! has_rust || ! apt_install "${BUILD_PACKAGES[@]}"; then
            left_out "influxd $INFLUXDB_VERSION" "$REASON"
            return
        fi
        build_influxd
    fi
    READY+=("influxd $INFLUXDB_VERSION ($BIN/influxd)")
}

get_telegraf() {
    if [[ ! -x $BIN/telegraf-$TELEGRAF_VERSION ]]; then
        if ! has_go "$GO_NEEDED"; then
            left_out "telegraf $TELEGRAF_VERSION" "$REASON"
            return
        fi
        build_telegraf
    fi
    READY+=("telegraf $TELEGRAF_VERSION ($BIN/telegraf)")
}

get_versitygw() {
    if [[ ! -x $BIN/versitygw-$VERSITYGW_VERSION ]]; then
        if ! has_go "$VERSITYGW_GO_NEEDED"; then
            left_out "versitygw $VERSITYGW_VERSION" "$REASON"
            return
        fi
        build_versitygw
    fi
    READY+=("versitygw $VERSITYGW_VERSION ($BIN/versitygw)")
}

main() {
    local line bench=false
    case "${1-}" in
    "") ;;
    --bench) bench=true ;;
    *)
        echo "usage: $0 [--bench]" >&2
        exit 2
        ;;
    esac

    mkdir -p "$BIN"
    exec 9>"$BIN/.lock"
    flock 9 # a second run waits, and then finds the work done
    SCRATCH=$(mktemp -d "$BIN/.build-XXXXXX")
    trap 'rm -rf "$SCRATCH"' EXIT
    export GOWORK=off

    get_packages
    get_influxd
    get_versitygw
    if $bench; then get_telegraf; fi

    for line in "${READY[@]}"; do say "ready: $line"; done
    for line in "${LEFT_OUT[@]}"; do say "left out: $line"; done
}

main "$@"
