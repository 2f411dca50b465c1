#!/bin/sh
# Pid 1 of a lab guest, in an initramfs that is its only file system. It becomes the guest's sshd.
# /srv/node/guest sets hostname, and the addresses (with prefix) management (eth0) and test (eth1).
set -eu
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

chmod 755 / # sshd accepts no key below a world-writable directory
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
for place in /dev/shm /run /tmp /var/tmp /srv/bench; do
    mount -t tmpfs tmpfs "$place"
done
mkdir /run/sshd

while read -r module; do
    insmod "/modules/$module"
done </modules/order

. /srv/node/guest
echo "$hostname" >/proc/sys/kernel/hostname
ip link set lo up
ip link set eth1 addrgenmode none
ip address add "$management" dev eth0
ip address add "$test" dev eth1
ip link set eth0 up
ip link set eth1 up

# sshd logs to the console, which is a file on the host.
exec /usr/sbin/sshd -D -e -f /srv/node/sshd_config
