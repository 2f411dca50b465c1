#!/bin/sh
# Behaves like a tool but attaches nothing: it stays in the foreground, prints a line per second (or
# every PLACEBO_PAUSE_S), and ends on a signal. Any overhead that a campaign finds for it is an artefact of the harness.
trap 'exit 0' INT TERM
while :; do
    date '+%H:%M:%S placebo'
    sleep "${PLACEBO_PAUSE_S:-1}" &
    wait $!
done
