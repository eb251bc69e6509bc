#!/usr/bin/env bash
# Cold and warm queries of LanceDB and VectorEngine, one process after the other, through the proxy:
#   compare.sh ROUNDS FOLDER [LANCEDB OPTION...]
# OURS has options for VectorEngine, such as "--probes 60"; PROXY and COUNTERS are the ports of the proxy.
# FOLDER has query.fvecs and groundtruth.ivecs. The environment has what clients need of the server; the README tells what else has to run.
set -euo pipefail
rounds=$1 folder=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
proxy=${PROXY:-7490} counters=${COUNTERS:-7491}
bench() { dotnet "$here/../bin/Release/net10.0/VectorEngine.ColdBench.dll" "$@"; }
ours() {
    bench s3-query --name w768 --endpoint "http://127.0.0.1:$proxy" --counters "$counters" \
        --queries "$folder/query.fvecs" --groundtruth "$folder/groundtruth.ivecs" ${OURS:-} "$@"
}
for round in $(seq 0 $((rounds - 1))); do
    query=$((round * 3 % 200))
    node "$here/lancedb.mjs" query v768 "queries=$folder/query.fvecs" "endpoint=http://127.0.0.1:$proxy" \
        "counters=http://127.0.0.1:$counters/" "query=$query" "$@"
    ours --query "$query"
    ours --query "$query" --warm-client
done
