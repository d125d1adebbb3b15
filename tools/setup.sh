#!/bin/sh
# Installs what building Headworks needs and this machine lacks. Says what it does; does nothing the second time.
# `setup.sh tests` also installs the real clients that tests use; the Python ones go to the folder clients of CARGO_TARGET_DIR, compilers of plugins to toolchains.
# For Debian 12 with Rust, as root or with sudo. Package sources are the machine's own.
set -eu

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

needed_rust=1.95
command -v cargo >/dev/null 2>&1 || fail "cargo is missing: install Rust $needed_rust or newer with rustup (https://rustup.rs) and run make again"
rust=$(rustc --version | cut -d' ' -f2)
printf '%s\n%s\n' "$needed_rust" "$rust" | sort -CV || fail "Rust $rust is too old: 'rustup update stable' brings $needed_rust or newer"

# Components written in Rust are built with the standard library of rustup's wasm32-wasip1 target where it can be had,
# and with Debian's rustc-web and its sources otherwise.
sysroot=$(rustc --print sysroot)
if [ ! -d "$sysroot/lib/rustlib/wasm32-wasip1" ] && [ ! -x /usr/bin/rustc ] && command -v rustup >/dev/null 2>&1; then
    say "trying 'rustup target add wasm32-wasip1'"
    timeout 120 rustup target add wasm32-wasip1 >/dev/null 2>&1 || say "that target cannot be downloaded here; using Debian's rustc-web instead"
fi

missing=
want() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed' || missing="$missing $1"; }
want build-essential          # RocksDB and other C and C++ code
want clang-22                 # bindings of RocksDB, C code inside components
want lld-22
want llvm-22
want wasi-libc
want libclang-rt-22-dev-wasm32
want strace                   # a test that makes fsync fail
if [ ! -d "$sysroot/lib/rustlib/wasm32-wasip1" ]; then
    want rustc-web
    want rust-web-src
fi
if [ "${1:-}" = peers ]; then
    want git                  # repositories of flows that the original registry reads and writes
    want rabbitmq-server      # what tests/peers talks to; they start one of their own
    command -v java >/dev/null 2>&1 || want default-jre-headless
    command -v mvn >/dev/null 2>&1 || want maven
fi
if [ "${1:-}" = tests ]; then
    want git                  # repositories of flows, and their server
    want rsyslog              # senders of syslog
    want rsyslog-gnutls
    want rsyslog-elasticsearch
    want bsdutils             # logger
    want openssl              # signatures of an example are compared with its own
    want libcurl4             # what the syslog-ng below uses
    want libglib2.0-0
    want libjson-c5
    want libpcre3
    want libwrap0
    want python3-venv
    want chromium             # the browser of tests/web
    want chromium-driver
    command -v java >/dev/null 2>&1 || want default-jre-headless
    command -v mvn >/dev/null 2>&1 || want maven
    want krb5-kdc             # a KDC, its tools, and what shows its tickets
    want krb5-admin-server
    want krb5-user
    want slapd                # a directory that people sign in with
    want faketime
    want curl
    want python3-gssapi
    command -v npm >/dev/null 2>&1 || { want nodejs; want npm; }
fi

# The Python clients, anew when the list of them has changed.
clients() {
    [ "${1:-}" = tests ] || return 0
    list=$(dirname "$0")/../tests/clients/requirements.txt
    folder=${CARGO_TARGET_DIR:-$(dirname "$0")/../target}/clients
    cmp -s "$list" "$folder/requirements.txt" && return 0
    say "installing the Python clients that tests use"
    log=$(mktemp)
    { rm -rf "$folder" && mkdir -p "$folder" && python3 -m venv "$folder" && "$folder/bin/pip" install -r "$list"; } >"$log" 2>&1 ||
        { cat "$log" >&2; rm -f "$log"; fail "the Python clients could not be installed"; }
    rm -f "$log"
    cp "$list" "$folder/requirements.txt"
}

# The Python client of NiFi in two generations, which do not fit into one environment.
nipyapi() {
    [ "${1:-}" = tests ] || return 0
    folder=${CARGO_TARGET_DIR:-$(dirname "$0")/../target}/clients
    for wanted in nipyapi-0==0.22.0 nipyapi-1==1.8.1; do
        into=$folder/${wanted%%==*}
        [ -e "$into/${wanted##*==}" ] && continue
        say "installing nipyapi ${wanted##*==}"
        log=$(mktemp)
        { rm -rf "$into" && "$folder/bin/pip" install --target "$into" "nipyapi==${wanted##*==}"; } >"$log" 2>&1 ||
            { cat "$log" >&2; rm -f "$log"; fail "nipyapi could not be installed"; }
        rm -f "$log"
        : >"$into/${wanted##*==}"
    done
}

# Artifacts of Maven: what they are, the list of them, the folder of CARGO_TARGET_DIR that gets them, anew when the list has
# changed, and the goal.
artifacts() {
    list=$(dirname "$0")/../$2
    folder=${CARGO_TARGET_DIR:-$(dirname "$0")/../target}/$3
    cmp -s "$list" "$folder/installed" && return 0
    say "installing $1"
    log=$(mktemp)
    { rm -rf "$folder" && mkdir -p "$folder" &&
        mvn -B -f "$list" "dependency:$4" -DoutputDirectory="$(cd "$folder" && pwd)"; } >"$log" 2>&1 ||
        { cat "$log" >&2; rm -f "$log"; fail "$1 could not be installed"; }
    rm -f "$log"
    cp "$list" "$folder/installed"
}
of_maven() {
    case ${1:-} in
    tests)
        artifacts "the command line of NiFi (90 MB)" tests/clients/pom.xml nifi-cli copy-dependencies
        artifacts "archives of NiFi's releases (40 MB)" tests/nars/pom.xml nars copy
        ;;
    peers) artifacts "the original registry (70 MB)" tests/peers/original/pom.xml nifi-registry copy-dependencies ;;
    esac
}

# syslog-ng, unpacked into the folder syslog-ng of CARGO_TARGET_DIR: installed it would take the place of rsyslog.
syslog_ng() {
    [ "${1:-}" = tests ] || return 0
    folder=${CARGO_TARGET_DIR:-$(dirname "$0")/../target}/syslog-ng
    [ -x "$folder/usr/sbin/syslog-ng" ] && return 0
    say "unpacking the syslog-ng that tests use"
    packages=$(mktemp -d)
    download() { (cd "$packages" && apt-get download syslog-ng-core syslog-ng-scl syslog-ng-mod-http libivykis0 libnet1) >"$packages/log" 2>&1; }
    mkdir -p "$folder"
    download || { ${root:-} apt-get update >"$packages/log" 2>&1 && download; } || { cat "$packages/log" >&2; fail "syslog-ng could not be downloaded"; }
    for package in "$packages"/*.deb; do dpkg-deb -x "$package" "$folder"; done
    rm -rf "$packages"
}
# What plugins in Python, JavaScript, TypeScript and Go are built with, in the folder toolchains of CARGO_TARGET_DIR, anew when
# the lists of it have changed.
toolchains() {
    [ "${1:-}" = tests ] || return 0
    lists=$(cd "$(dirname "$0")/../tests/examples" && pwd)
    folder=${CARGO_TARGET_DIR:-$(dirname "$0")/../target}/toolchains
    cat "$lists/requirements.txt" "$lists/package.json" | cmp -s - "$folder/installed" && return 0
    say "installing the compilers of plugins that tests use (700 MB)"
    log=$(mktemp)
    {
        rm -rf "$folder" && mkdir -p "$folder/node" && cp "$lists/package.json" "$folder/node" &&
            python3 -m venv "$folder/python" && "$folder/python/bin/pip" install --no-cache-dir -r "$lists/requirements.txt" &&
            ln -s "$(echo "$folder"/python/lib/python3*/site-packages/go | sed "s|^$folder/||")" "$folder/go" &&
            rm -f "$folder/python/bin/go" &&
            (cd "$folder/node" && npm install --no-package-lock --no-audit --no-fund)
    } >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; fail "the compilers of plugins could not be installed"; }
    rm -f "$log"
    cat "$lists/requirements.txt" "$lists/package.json" >"$folder/installed"
}

# The OpenID Connect provider, in the folder oidc of CARGO_TARGET_DIR, anew when its list has changed.
provider() {
    [ "${1:-}" = tests ] || return 0
    list=$(dirname "$0")/../tests/registry/oidc/package.json
    folder=${CARGO_TARGET_DIR:-$(dirname "$0")/../target}/oidc
    cmp -s "$list" "$folder/installed" && return 0
    say "installing the OpenID Connect provider that tests use"
    log=$(mktemp)
    { rm -rf "$folder" && mkdir -p "$folder" && cp "$list" "$folder" && (cd "$folder" && npm install --no-package-lock --no-audit --no-fund); } >"$log" 2>&1 ||
        { cat "$log" >&2; rm -f "$log"; fail "the OpenID Connect provider could not be installed"; }
    rm -f "$log"
    cp "$list" "$folder/installed"
}
[ -z "$missing" ] && { clients "$@"; nipyapi "$@"; of_maven "$@"; syslog_ng "$@"; toolchains "$@"; provider "$@"; exit 0; }

command -v apt-get >/dev/null 2>&1 || fail "missing packages:$missing (they are installed by apt-get on Debian 12 only)"
root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || fail "missing packages:$missing; run make as root or install sudo"
    root=sudo
fi
say "installing$missing"
packages_log=$(mktemp)
trap 'rm -f "$packages_log"' EXIT
install() { DEBIAN_FRONTEND=noninteractive $root apt-get install -y --no-install-recommends $missing >"$packages_log" 2>&1; }
install || { $root apt-get update >"$packages_log" 2>&1 && install; } || { cat "$packages_log" >&2; fail "apt-get could not install$missing"; }
clients "$@"
nipyapi "$@"
of_maven "$@"
syslog_ng "$@"
toolchains "$@"
provider "$@"
say "done"
