#!/bin/sh
# Runs like a tool and attaches nothing: stays in the foreground, prints a line a second (or every
# PLACEBO_PAUSE_S), ends on a signal. What it costs is what the harness itself costs.
trap 'exit 0' INT TERM
n=0
echo "Attaching 0 probes..."
while :; do
    n=$((n + 1))
    printf '%s placebo %d\n' "$(date +%H:%M:%S)" "$n"
    sleep "${PLACEBO_PAUSE_S:-1}" &
    wait $!
done
