#!/bin/sh
# A tool in everything but the measuring: stays in the foreground, prints a line a second, ends when
# told to, and attaches nothing. What a campaign finds here is the harness's own doing.
trap 'exit 0' INT TERM
while :; do
    date '+%H:%M:%S placebo'
    sleep 1 &
    wait $!
done
