# The supervisor, one per host: the parent of all programs that outlive a short command there.
# POSIX sh; started as: sh -c "$(this file)" supervisor RUN HOLDER LEASE_S DIR LOCK
#
# It holds the host's lock and starts programs in process sessions of their own. It ends a program at
# its deadline, and all programs when its standard input ends or no line has arrived for LEASE_S
# seconds. It ends only what it started.
#
# Input, one per line:                      Output, one per line:
#   beat                                      ready PID... (this shell and all its ancestors)
#   start ID DEADLINE_S COMMAND...            started ID PID, ended ID STATUS
#   stop ID GRACE_S                           (ended ID STATUS follows)
#   snap ID LABEL FILE                        snapped ID EPOCH_S
#   window ID AT_S LENGTH_S FILE              measured ID EPOCH_S, when it is over; AT_S: uptime
#   undo ID COMMAND... / undone ID            (COMMAND runs at the end unless undone)
#   bye                                       (like the end of input)
#   If the lock is held: busy HOLDER, and exit 75.
#
# State is kept in the names of empty files and in signals, because those work on a full disk.

run=$1 holder=$2 lease=$3 dir=$4 lock=$5
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin
export PATH LC_ALL=C
umask 022
trap '' HUP PIPE USR1

( : >>"$lock" ) 2>/dev/null || lock=/tmp/${lock##*/}
exec 9>>"$lock" || exit 1
if ! flock -n 9; then
    printf 'busy %s\n' "$(head -c 200 "$lock" | head -n 1)"
    exit 75
fi
printf '%s\n' "$holder" >"$lock"
mkdir -p "$dir/programs" "$dir/undo" || exit 1

uptime_s() { read -r now _ </proc/uptime; now=${now%%.*}; }

# Kills the processes of a run or a program, whatever their process session, by the mark in their
# environment.
kill_marked() { # NAME=VALUE
    grep -lsazx "$1" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do
        kill -s KILL "$pid" 2>/dev/null
    done
}

# A running program is an empty file programs/ID.PID.DEADLINE.
pid_of() { pid=${1%.*} pid=${pid##*.}; }

ancestors() { # PID: prints it and its parents, without process 1
    set -- "$1" "$(cat "/proc/$1/stat")"
    echo "$1"
    set -- ${2##*) }
    [ "${2:-1}" -le 1 ] || ancestors "$2"
}

alive() { kill -s 0 -- "-$1" 2>/dev/null; }

end_group() { # PID GRACE_S: TERM to the whole group, KILL after GRACE_S to what still runs
    kill -s TERM -- "-$1" 2>/dev/null || return 0
    tries=$(($2 * 10))
    while [ "$tries" -gt 0 ] && alive "$1"; do
        sleep 0.1
        tries=$((tries - 1))
    done
    kill -s KILL -- "-$1" 2>/dev/null
}

end_all() {
    for file in "$dir"/programs/*.*; do
        [ -f "$file" ] && pid_of "$file" && kill -s TERM -- "-$pid"
    done 2>/dev/null
    tries=20
    while [ "$tries" -gt 0 ]; do
        left=
        for file in "$dir"/programs/*.*; do
            [ -f "$file" ] && pid_of "$file" && alive "$pid" && left=$pid
        done
        [ -n "$left" ] || break
        sleep 0.1
        tries=$((tries - 1))
    done
    kill_marked "EBPF_OVERHEAD_RUN=$run"
    for file in "$dir"/undo/*; do
        [ -f "$file" ] && sh "$file" >/dev/null 2>&1
    done
    rm -rf -- "$dir"
}

watch() { # SHELL_PID: checks the deadlines and the lease every second; USR1: a line has arrived
    missed=0
    trap 'missed=0' USR1
    while sleep 1; do
        [ -d "$dir" ] || exit 0
        uptime_s
        for file in "$dir"/window.*; do # nothing is done in a window that is measured in silence
            [ -f "$file" ] && [ "$now" -lt "${file##*.}" ] || continue
            sleep $((${file##*.} - now))
            missed=0
        done
        uptime_s
        for file in "$dir"/programs/*.*; do
            [ -f "$file" ] || continue
            pid_of "$file"
            [ "$now" -ge "${file##*.}" ] && end_group "$pid" 2
        done
        missed=$((missed + 1))
        if [ "$missed" -ge "$lease" ]; then
            end_all
            kill -s KILL "$1" 2>/dev/null
            exit 1
        fi
    done
}

start() { # ID DEADLINE_S COMMAND
    uptime_s
    (
        trap - HUP PIPE USR1 # the program gets the default handling, as when started by hand
        EBPF_OVERHEAD_RUN=$run EBPF_OVERHEAD_PROGRAM=$run/$1 exec setsid sh -c "$3"
    ) </dev/null >/dev/null 2>&1 &
    pid=$!
    file=$dir/programs/$1.$pid.$((now + $2))
    : >"$file"
    echo "started $1 $pid"
    wait "$pid"
    status=$?
    end_group "$pid" 1
    kill_marked "EBPF_OVERHEAD_PROGRAM=$run/$1" # processes that left its session
    rm -f "$file"
    echo "ended $1 $status"
}

# LABEL FILE: appends the clocks, load, interface counters, CPU times, and every process that is not
# a kernel thread (flag 0x200000 in its stat)
snap() {
    epoch=$(date +%s.%N)
    {
        echo "@ $1"
        echo "$epoch"
        cat /proc/uptime /proc/loadavg /proc/net/dev /proc/stat
        cat /proc/[0-9]*/stat | awk '{ s = $0; sub(/.*\) /, "", s); split(s, f, " "); if (int(f[7] / 2097152) % 2 == 0) print }'
        cat /sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count | awk '{ n += $1 } END { if (NR) print "throttle_count", n }'
    } >>"$2" 2>/dev/null
}

# AT_S LENGTH_S FILE: both snapshots of a window that begins at this uptime, without a word to anybody.
measure() {
    at=${1%.*} length=${2%.*}
    : >"$dir/window.$((at + length + 3))"
    sleep "$(awk -v at="$1" '{ s = at - $1; print (s > 0 ? s : 0) }' /proc/uptime)"
    snap start "$3"
    sleep "$2"
    snap end "$3"
    sleep 1 # the load ends before anything is sent
    rm -f "$dir/window.$((at + length + 3))"
}

watch $$ </dev/null >/dev/null 2>&1 9>&- &
watcher=$!
echo ready $(ancestors $$)
while IFS= read -r line; do
    kill -s USR1 "$watcher" 2>/dev/null
    verb=${line%% *} rest=${line#* }
    id=${rest%% *} more=${rest#* }
    case $verb in
        start) start "$id" "${more%% *}" "${more#* }" & ;;
        stop)
            for file in "$dir/programs/$id".*; do
                [ -f "$file" ] && pid_of "$file" && end_group "$pid" "$more" >/dev/null 2>&1 9>&- &
            done ;;
        snap)
            snap "${more%% *}" "${more#* }"
            echo "snapped $id $epoch" ;;
        window)
            {
                length=${more#* }
                measure "${more%% *}" "${length%% *}" "${length#* }"
                echo "measured $id $epoch"
            } & ;;
        undo) printf '%s\n' "$more" >"$dir/undo/$id" ;;
        undone) rm -f "$dir/undo/$id" ;;
        bye) break ;;
    esac
done
kill "$watcher" 2>/dev/null
end_all
