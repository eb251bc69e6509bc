#!/usr/bin/env bash
# Starts a real S3 server on loopback for tests: Ceph's radosgw with one monitor and one store, all in memory and all under one folder.
#   up.sh FOLDER
# Installs Ceph's packages if they are missing (apt; root or sudo). Afterwards FOLDER/environment has what clients need, to be sourced.
# VECTORENGINE_S3_PORT: the port (7480; the monitor takes the next one). VECTORENGINE_S3_MEMORY: bytes of objects it may keep (2 GiB).
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
port=${VECTORENGINE_S3_PORT:-7480} memory=${VECTORENGINE_S3_MEMORY:-2147483648}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if ! { command -v radosgw && command -v ceph-mon && command -v ceph-osd && command -v ceph; } > /dev/null; then
    root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends radosgw ceph-mon ceph-osd ceph-common
fi

"$here/down.sh" "$folder"
for used in "$port" $((port + 1)); do
    if (: < "/dev/tcp/127.0.0.1/$used") 2> /dev/null; then
        echo "Port $used is in use: set VECTORENGINE_S3_PORT." >&2
        exit 1
    fi
done
rm -rf "${folder:?}"/{mon,osd,run,log,monmap,ceph.conf,environment}
mkdir "$folder"/{mon,osd,run,log}
cluster=$(cat /proc/sys/kernel/random/uuid) disk=$(cat /proc/sys/kernel/random/uuid)
secret=$(tr -d - < /proc/sys/kernel/random/uuid)

# Without tcp_nodelay, every small answer waits 40 ms for an acknowledgement. One copy of everything, few placement groups, no scrubbing:
# nothing here has to survive.
cat > "$folder/ceph.conf" << END
[global]
fsid = $cluster
mon_host = v1:127.0.0.1:$((port + 1))
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv6 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = $folder/run
crash_dir = $folder/run
pid_file = $folder/run/\$name.pid
admin_socket = $folder/run/\$name.asok
log_file = $folder/log/\$name.log
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_crush_update_on_start = false
osd_class_update_on_start = false
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_warn_on_pool_no_redundancy = false
mon_data_avail_crit = 1
osd_class_load_list = *
osd_class_default_list = *
[mon.a]
mon_data = $folder/mon
[osd.0]
osd_data = $folder/osd
osd_objectstore = memstore
memstore_device_bytes = $memory
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
rgw_thread_pool_size = 64
rgw_enable_usage_log = false
rgw_enable_ops_log = false
rgw_enable_gc_threads = false
rgw_dns_name = 127.0.0.1
END

# A tool that asks before it has learned the cluster's ID from the monitor is refused ("wrong fsid"), which happens on a busy machine.
again() {
    for _ in $(seq 5); do
        timeout 30 "$@" && return
        sleep 0.5
    done
    return 1
}

# What the tools say goes to the log, and to the screen only if something fails.
exec 3>&1 4>&2 > "$folder/log/up.log" 2>&1
trap 'echo "The server did not start:" >&4; tail -n 20 "$folder/log/up.log" >&4; "$here/down.sh" "$folder"' ERR
configured=(-c "$folder/ceph.conf")
monmaptool --create --fsid "$cluster" --addv a "[v1:127.0.0.1:$((port + 1))]" "$folder/monmap"
ceph-mon "${configured[@]}" -i a --mkfs --monmap "$folder/monmap"
ceph-mon "${configured[@]}" -i a
again ceph "${configured[@]}" osd new "$disk" 0
again ceph "${configured[@]}" osd crush add osd.0 1.0 root=default host=host0
ceph-osd "${configured[@]}" -i 0 --mkfs --osd-uuid "$disk"
ceph-osd "${configured[@]}" -i 0
radosgw "${configured[@]}" -n client.rgw
for _ in $(seq 600); do
    (: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break
    sleep 0.1
done
again radosgw-admin "${configured[@]}" -n client.rgw user create --uid=tests --display-name=tests \
    --access-key=tests --secret-key="$secret" > /dev/null

(umask 077 && cat > "$folder/environment" << END
export VECTORENGINE_S3_ENDPOINT=http://127.0.0.1:$port AWS_ACCESS_KEY_ID=tests AWS_SECRET_ACCESS_KEY=$secret AWS_REGION=us-east-1
END
)
echo "S3 server at http://127.0.0.1:$port; for clients: source $folder/environment" >&3
