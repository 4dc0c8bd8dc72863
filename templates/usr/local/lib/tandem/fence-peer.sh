#!/bin/bash
# DRBD's fence-peer handler: asks the agent whether this node owns the claim, before DRBD thaws a frozen Primary and before
# it promotes a lone Secondary. DRBD reads the exit code: 4 = yes, 6 = the sibling owns it, anything else = undecided.
# 3, 5 and 7 would mean yes too, and they are curl's codes for a bad URL, an unknown proxy and a refused connection.
# So the code comes from the agent's exact word alone, whatever else happens here.
rc=1
trap 'exit "$rc"' EXIT
trap 'rc=1; exit 1' HUP INT QUIT PIPE ALRM TERM USR1 USR2

root=${TANDEM_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/tandem/node.env" || exit

# Sets role, suspended, connection and disk; fails while they cannot be read.
read_state() {
    local events pattern
    role='' suspended='' connection='' disk=''
    events=$(drbdsetup events2 --now "$RESOURCE") || return 1
    pattern=$'exists resource [^\n]* role:([A-Za-z]+) suspended:([a-z,-]+)'
    [[ $events =~ $pattern ]] && role=${BASH_REMATCH[1]} suspended=${BASH_REMATCH[2]}
    pattern=$'exists connection [^\n]* connection:([A-Za-z]+)'
    [[ $events =~ $pattern ]] && connection=${BASH_REMATCH[1]}
    pattern=$'exists device [^\n]* disk:([A-Za-z]+)'
    [[ $events =~ $pattern ]] && disk=${BASH_REMATCH[1]}
    true
}

# Sets rc by the agent's word; fails without one that decides.
# The kernel sets HOME to /, and curl would read a configuration there.
ask() {
    local word
    word=$(curl --disable --silent --fail --max-time "$2" --request POST --unix-socket "$root/run/tandem/agent.sock" "http://agent/fence?mode=$1") || return 1
    case $word in
        won) rc=4 ;;
        lost) rc=6 ;;
        *) return 1 ;;
    esac
}

# The same of DRBD 8.4 from the kernel's own line, without a program: every takeover waits for this.
read_line() {
    local line pattern
    role='' disk=''
    pattern="^ *$MINOR: cs:[A-Za-z]+ ro:([A-Za-z]+)/[A-Za-z]+ ds:([A-Za-z]+)/"
    while IFS= read -r line; do
        [[ $line =~ $pattern ]] && role=${BASH_REMATCH[1]} disk=${BASH_REMATCH[2]}
    done <"$root/proc/drbd"
    [[ $role ]]
} 2>/dev/null

# A state that cannot be read says neither whether to hurry nor whether anybody waits.
until read_line || read_state; do sleep 0.2; done

case $role/$disk in
    Secondary/UpToDate | Secondary/Consistent)
        # DRBD asks up to four times in one promotion, so a person or unit waits four times this long.
        ask promotion 3
        exit
        ;;
    Primary/*) until read_state; do sleep 0.2; done ;;
    *) exit ;;
esac

# DRBD asks a frozen Primary once: this question has to outlive the agent's restarts. Only what somebody else decided
# ends it: thawed, connected again, or no Primary any more.
while [[ $role = Primary && $disk = UpToDate && $suspended = *fencing* && $connection != Connected ]]; do
    ask primary 5 && exit
    sleep 0.2
    until read_state; do sleep 0.2; done
done
