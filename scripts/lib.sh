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

# Asks for sudo's password now if as_root will need it: during a step the question would be lost.
prepare_root() {
    if [ "$(id -u)" -eq 0 ] || ! command -v sudo >/dev/null || sudo -n true 2>/dev/null; then return; fi
    sudo -v
}

# ---- steps: one line each, everything else goes to a log file

step_log=$root/build/logs/$(basename "$0").log

# A tree that another user has built cannot be written.
require_own() {
    [ ! -e "$1" ] || [ -w "$1" ] || fail "$1 belongs to somebody else, perhaps root:
build as that user, remove it, or use a checkout of your own"
}

begin_log() {
    local above
    for above in "$root/build" "$root/build/logs" "$step_log"; do require_own "$above"; done
    mkdir -p "$(dirname "$step_log")"
    : >"$step_log"
    log_begun=yes
}

# Whether a line can be written over: on a terminal, unless CI is set.
has_live_output() { [ -t 1 ] && [ -z "${CI:-}" ] && [ "${TERM:-dumb}" != dumb ]; }

elapsed() { if [ "$1" -lt 60 ]; then printf '%d s' "$1"; else printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); fi; }

# How far ninja is, as in " [17/315]", if it was the last to write to the log.
ninja_progress() { tail -n 1 "$step_log" 2>/dev/null | sed -n 's,^\(\[[0-9]*/[0-9]*\]\).*, \1,p'; }

# Says every second how far a step is, or every minute if lines cannot be written over. $1 is what the step does.
# Ends with the script as well, because an interrupted script cannot end it.
tell_progress() {
    local seconds=0
    while sleep 1 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
        seconds=$((seconds + 1))
        if has_live_output; then
            printf '\r  %s: %s%s\033[K' "$1" "$(elapsed $seconds)" "$(ninja_progress)"
        elif [ $((seconds % 60)) -eq 0 ]; then
            printf '  %s: %s so far%s\n' "$1" "$(elapsed $seconds)" "$(ninja_progress)"
        fi
    done
}

# step WHAT COMMAND...: runs the command with its output in the log, and says in one line how long it took. If the command
# fails, shows the end of the log and returns 1.
step() {
    local what=$1 begun=$SECONDS status=0 teller
    shift
    [ -n "${log_begun:-}" ] || begin_log
    printf '==== %s\n' "$what" >>"$step_log"
    if has_live_output; then printf '  %s' "$what"; fi
    tell_progress "$what" &
    teller=$!
    ("$@") >>"$step_log" 2>&1 || status=$? # in a shell of its own: if it exits, that is a failure like any other
    { kill "$teller" && wait "$teller"; } 2>/dev/null || true
    if has_live_output; then printf '\r\033[K'; fi
    if [ $status -eq 0 ]; then
        say "  $what: $(elapsed $((SECONDS - begun)))"
        return
    fi
    say "  $what: FAILED after $(elapsed $((SECONDS - begun))). The end of its output:"
    # Nobody may have the log any more when this is read elsewhere than on a terminal.
    tail -n "$(if has_live_output; then echo 40; else echo 200; fi)" "$step_log" | sed 's/^/    /'
    say "  All of it is in $step_log"
    return 1
}

# The directory that the preset $1 is built in.
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
    require_own "$(build_directory "$preset")"
    local launcher=()
    if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
    step "configure $preset" cmake -S "$root" --preset "$preset" "${launcher[@]}" "$@" &&
        step "build $preset" cmake --build "$(build_directory "$preset")" --target "$target" --parallel "$(nproc)"
}
