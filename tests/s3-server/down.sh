#!/usr/bin/env bash
# Ends the processes that up.sh started for a folder: down.sh FOLDER
set -euo pipefail
folder=$(cd "$1" && pwd)
for file in "$folder"/run/*.pid; do
    [ -e "$file" ] || continue
    pid=$(cat "$file")
    # Only if the process is still one of ours, and not another that has got its number.
    if grep -qz -- "$folder/ceph.conf" "/proc/$pid/cmdline" 2> /dev/null; then
        kill -9 "$pid" || true
        # Until it is gone, or only its entry is left: its other threads hold the ports for a while.
        for _ in $(seq 200); do
            [ "$(ls "/proc/$pid/task" 2> /dev/null | wc -l)" -le 1 ] && ! grep -q '^State:.[^Z]' "/proc/$pid/status" 2> /dev/null && break
            sleep 0.05
        done
    fi
    rm -f "$file"
done
