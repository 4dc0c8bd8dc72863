#!/bin/sh
# Prepares a machine for the tandem command and installs it.
#   bootstrap.sh prepare             refuse an unknown system, note where programs come from, make sure of Node.js
#   bootstrap.sh program <bundle.mjs the tandem command, from stdin
#   bootstrap.sh remove              undo both; packages stay
set -eu

root=${TANDEM_ROOT:-}
lib=$root/usr/local/lib/tandem
command=$root/usr/local/sbin/tandem
state=$root/var/lib/tandem
cache=$root/var/cache/tandem
# Where apt finds the bundle's packages; `tandem apply` installs from there as well.
list=$lib/bundle.list
pinned_node=$lib/node
local_node=$root/usr/local/bin/node
node_major_min=18
supported='Debian 12, Debian 13, Ubuntu 22.04 or Ubuntu 24.04'
# sshd gives a command few folders.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

# BUNDLE: folder with what would be downloaded. NODE_URL and NODE_SHA256: an official build in the place of the package.
BUNDLE='' NODE_URL='' NODE_SHA256=''
# shellcheck source=/dev/null
[ ! -e "$lib/sources.env" ] || . "$lib/sources.env"

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

note_bundle() {
    rm -f "$list"
    [ -n "$BUNDLE" ] && [ -e "$BUNDLE/packages/Packages" ] || return 0
    install -d -m 0755 "$lib" "$cache/lists/partial"
    # Trusted as the rest of the folder is: who can write there is root already.
    echo "deb [trusted=yes] file:$BUNDLE/packages ./" >"$list"
}

# The bundle's packages alone, where it has any.
apt_get() {
    seconds=$1
    shift
    if [ -e "$list" ]; then
        set -- -o "Dir::Etc::SourceList=$list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$cache/lists" "$@"
    fi
    timeout "$seconds" apt-get -qq -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2 -o Acquire::http::Timeout=20 "$@"
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
    apt_get 120 update
    apt_get 400 -y --no-install-recommends install "$@"
}

require_node() {
    if [ -n "$NODE_SHA256" ]; then
        require_pinned_node
        return
    fi
    drop_pinned_node
    node_is_recent && return
    log=$(mktemp)
    install_packages nodejs >"$log" 2>&1 || true
    if ! node_is_recent; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        fail "Node.js $node_major_min or later is needed, found: $(node --version 2>/dev/null || echo none); make the package sources reachable, add nodejs to the bundle's packages, or name an official build in artifacts.node (the package of Ubuntu 22.04 is too old)"
    fi
    rm -f "$log"
}

pinned_node_is_there() {
    [ "$(cat "$pinned_node.sha256" 2>/dev/null)" = "$NODE_SHA256" ] && [ -x "$pinned_node" ] &&
        [ "$(readlink "$local_node")" = "$pinned_node" ]
}

require_pinned_node() {
    pinned_node_is_there && return
    if [ -e "$local_node" ] && [ "$(readlink "$local_node")" != "$pinned_node" ]; then
        fail "$local_node is there and not Tandem's; remove it, or leave artifacts.node out of the configuration"
    fi
    install -d -m 0755 "$lib" "${local_node%/*}"
    scratch=$(mktemp -d "$lib/node.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    file=${NODE_URL##*/}
    if [ -n "$BUNDLE" ]; then
        archive=$BUNDLE/$file
        [ -f "$archive" ] || fail "$archive is missing; copy $file (from $NODE_URL) into $BUNDLE on this machine and run this again"
    else
        archive=$scratch/$file
        download "$NODE_URL" "$archive"
    fi
    found=$(sha256sum <"$archive")
    found=${found%% *}
    [ "$found" = "$NODE_SHA256" ] || fail "$archive is not the file that the site's configuration pins:
    sha256 wanted $NODE_SHA256
    sha256 found  $found
Nothing of it was unpacked. Compare both with the sums published for Node.js; correct the configuration, or replace the file."
    tar -xzf "$archive" -C "$scratch" --no-same-owner --wildcards --strip-components=2 '*/bin/node' ||
        fail "$archive has the right sha256, and no bin/node in it; name the build for this machine's system and processor"
    chmod 0755 "$scratch/node"
    "$scratch/node" --version >/dev/null || fail "the program in $archive does not run here; name the build for this machine's processor"
    sync "$scratch/node"
    # Replaced by rename: what runs keeps the file that it has.
    mv -f "$scratch/node" "$pinned_node"
    ln -sfn "$pinned_node" "$local_node"
    echo "$NODE_SHA256" >"$pinned_node.sha256"
    sync "$lib" "${local_node%/*}"
}

download() {
    command -v curl >/dev/null || install_packages ca-certificates curl >/dev/null 2>&1 || true
    curl --silent --show-error --fail --location --connect-timeout 20 --max-time 300 --output "$2" "$1" ||
        fail "$1 cannot be downloaded; let this machine reach it, or put ${1##*/} into a folder on it and name that folder in artifacts.bundle"
}

drop_pinned_node() {
    [ "$(readlink "$local_node")" != "$pinned_node" ] || rm -f "$local_node"
    rm -f "$pinned_node" "$pinned_node.sha256"
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
    rm -f "$lib/sources.env" "$lib/sources.env.new" "$list"
    drop_pinned_node
    rm -rf "$cache"
    rmdir "$lib" 2>/dev/null || true
    rmdir "$state/applied" "$state" "$root/etc/tandem" 2>/dev/null || true
    # What the units kept for this boot says nothing about a site that comes later.
    rm -rf "$root/run/tandem" "$root/run/tandem-door" "$root/run/tandem-transient" "$root/run/tandem-volume"
}

[ "$(id -u)" -eq 0 ] || fail 'Tandem is installed as root'
case ${1:-} in
    prepare)
        require_supported_system
        note_bundle
        require_node
        ;;
    program) install_program ;;
    remove) remove_all ;;
    *) fail "bootstrap.sh knows prepare, program and remove, not '${1:-}'" ;;
esac
