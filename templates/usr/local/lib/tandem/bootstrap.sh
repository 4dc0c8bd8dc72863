#!/bin/sh
# Prepares a machine for the tandem command and installs it.
#   bootstrap.sh prepare             refuse an unknown system, make sure of Node.js
#   bootstrap.sh program <bundle.mjs the tandem command, from stdin
#   bootstrap.sh remove              undo both; packages stay
set -eu

root=${TANDEM_ROOT:-}
lib=$root/usr/local/lib/tandem
command=$root/usr/local/sbin/tandem
state=$root/var/lib/tandem
node_major_min=18
supported='Debian 12, Debian 13, Ubuntu 22.04 or Ubuntu 24.04'
# sshd gives a command few folders.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

fail() {
    echo "$(uname -n): $*" >&2
    exit 1
}

require_supported_system() {
    # shellcheck source=/dev/null
    system=$(. "$root/etc/os-release" 2>/dev/null && echo "${ID:-unknown} ${VERSION_ID:-}") || system='unknown '
    case $system in
        'debian 12' | 'debian 13' | 'ubuntu 22.04' | 'ubuntu 24.04') ;;
        *) fail "this machine runs $system (/etc/os-release); Tandem supports $supported: install one of them" ;;
    esac
    [ -d "$root/run/systemd/system" ] || fail "this machine was not booted with systemd, which Tandem needs: install $supported with its default init"
}

node_major() {
    node --version 2>/dev/null | sed -n 's/^v\([0-9][0-9]*\)\..*/\1/p'
}

node_is_recent() {
    major=$(node_major)
    [ -n "$major" ] && [ "$major" -ge "$node_major_min" ]
}

require_node() {
    node_is_recent && return
    log=$(mktemp)
    {
        export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
        timeout 120 apt-get -qq -o Acquire::Retries=2 -o Acquire::http::Timeout=20 update
        timeout 400 apt-get -qq -o DPkg::Lock::Timeout=120 -y --no-install-recommends install nodejs
    } >"$log" 2>&1 || true
    if ! node_is_recent; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        fail "Node.js $node_major_min or later is needed, found: $(node --version 2>/dev/null || echo none); make the package sources reachable, or put an official nodejs.org build under /usr/local (the package of Ubuntu 22.04 is too old)"
    fi
    rm -f "$log"
}

install_program() {
    install -d -m 0755 "$lib" "${command%/*}"
    umask 022
    cat >"$lib/tandem.mjs.new"
    # A program that was cut off on its way may still run, and do half of its work.
    if [ "$(tail -n 1 "$lib/tandem.mjs.new")" != '// end of the program' ]; then
        rm -f "$lib/tandem.mjs.new"
        fail 'the tandem command did not arrive complete; run pulumi up again'
    fi
    sync "$lib/tandem.mjs.new"
    # Replaced by rename: a tandem that runs at this moment keeps the file it has read.
    mv -f "$lib/tandem.mjs.new" "$lib/tandem.mjs"
    {
        echo '#!/bin/sh'
        echo 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
        echo 'export PATH'
        # shellcheck disable=SC2016  # the arguments of the command, not of this script
        printf 'exec node %s/tandem.mjs "$@"\n' "$lib"
    } >"$command.new"
    chmod 0755 "$command.new"
    sync "$command.new"
    mv -f "$command.new" "$command"
    sync "$lib" "${command%/*}"
    "$command" --help >/dev/null || fail 'the tandem command was installed and does not run'
}

remove_all() {
    # Another site on this machine still needs the command.
    for record in "$state"/applied/*.json; do
        [ ! -e "$record" ] || exit 0
    done
    rm -f "$command" "$command.new" "$lib/tandem.mjs" "$lib/tandem.mjs.new" "$lib/bootstrap.sh" "$lib/bootstrap.sh.new"
    rmdir "$lib" 2>/dev/null || true
    rmdir "$state/applied" "$state" "$root/etc/tandem" 2>/dev/null || true
    # What the units kept for this boot says nothing about a site that comes later.
    rm -rf "$root/run/tandem" "$root/run/tandem-door" "$root/run/tandem-volume"
}

[ "$(id -u)" -eq 0 ] || fail 'Tandem is installed as root'
case ${1:-} in
    prepare)
        require_supported_system
        require_node
        ;;
    program) install_program ;;
    remove) remove_all ;;
    *) fail "bootstrap.sh knows prepare, program and remove, not '${1:-}'" ;;
esac
