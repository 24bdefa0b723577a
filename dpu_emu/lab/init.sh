#!/bin/sh
# PID 1 of a lab guest. Its contract with dpu_emu/lab/qemu.py:
#   /lab/env         LAB_NAME, LAB_MODULES, LAB_NICS (mac|address,...|mtu|rxe each), LAB_SHARE, LAB_SHELL
#   /lab/run         the script; its output goes to virtio-serial port 1
#   port 2           gets "ready" when the script starts, then its exit code
#   ttyS0            the kernel's and this script's own messages
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ LANG=C
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts /proc /sys /tmp /run /var/run
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mount -t tmpfs shm /dev/shm
mount -t devpts pts /dev/pts
exec </dev/console >/dev/console 2>&1
ulimit -l unlimited
. /lab/env
hostname "$LAB_NAME"
ip link set lo up
modprobe -a virtio_pci virtio_console $LAB_MODULES

wait_for() {                # wait_for COMMAND...: until it succeeds, at most 5 s
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || return 1
        usleep 50000
    done
}

find_nic() {                # find_nic MAC: sets $dev
    for path in /sys/class/net/*; do
        [ "$(cat "$path/address")" = "$1" ] && dev=${path##*/} && return 0
    done
    return 1
}

index=0
[ -n "$LAB_NICS" ] && modprobe virtio_net
for spec in $LAB_NICS; do
    IFS='|' read -r mac addresses mtu rxe <<LINE
$spec
LINE
    if wait_for find_nic "$mac"; then
        # Addresses are usable at once: no duplicate address detection.
        echo 0 >/proc/sys/net/ipv6/conf/$dev/accept_dad
        [ -n "$mtu" ] && ip link set "$dev" mtu "$mtu"
        ip link set "$dev" up
        for address in $(echo "$addresses" | tr , ' '); do
            case $address in
            *:*) ip addr add "$address" dev "$dev" nodad ;;
            *) ip addr add "$address" dev "$dev" ;;
            esac
        done
        if [ -n "$rxe" ]; then
            modprobe -a rdma_rxe ib_uverbs rdma_ucm ib_umad
            rdma link add rxe$index type rxe netdev "$dev"
        fi
    else
        echo "lab: no NIC $mac"
    fi
    index=$((index + 1))
done

if [ -n "$LAB_SHARE" ]; then
    modprobe -a 9p 9pnet_virtio
    mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=none lab /share
fi

if [ -n "$LAB_SHELL" ]; then
    echo "lab: shell on the serial console; 'exit' powers off"
    setsid cttyhack sh -l
    code=$?
else
    # The kernel lists a port a moment after its node is there (ENXIO till then); the one of the output comes first.
    wait_for sh -c 'echo ready >/dev/vport0p2' 2>/dev/null
    cd /lab && sh /lab/run </dev/null >/dev/vport0p1 2>&1
    code=$?
fi
[ -e /dev/vport0p2 ] && echo "$code" >/dev/vport0p2
sync
poweroff -f
