# Functions that the scripts here share; sourced, not run.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# Runs a command as root: as it is for root, through sudo for others.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root: $*
run it as root, or install sudo"
    fi
}

# Where the preset $1 is built.
build_directory() { printf '%s/build/%s\n' "$root" "$1"; }

# The compiler cache serves several checkouts of this tree: paths count from its top, and precompiled headers are safe to
# share because their contents are compared.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root} CCACHE_NOHASHDIR=1
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros,include_file_mtime,include_file_ctime}

# build_preset PRESET [--target NAME] [CMAKE OPTION...]: configures with the options and builds, all or one target.
build_preset() {
    local preset=$1 target=all
    shift
    if [ "${1:-}" = --target ]; then
        target=$2
        shift 2
    fi
    local directory
    directory=$(build_directory "$preset")
    [ ! -e "$directory" ] || [ -w "$directory" ] || fail "$directory belongs to somebody else, perhaps root:
build as that user, remove it, or use a checkout of your own"
    local launcher=()
    if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
    (cd "$root" && cmake --preset "$preset" "${launcher[@]}" "$@" >/dev/null && cmake --build --preset "$preset" --target "$target" --parallel "$(nproc)")
}
