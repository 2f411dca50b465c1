#!/bin/sh
# Pid 1 of a fresh machine, in mount, pid, network, uts, ipc and cgroup namespaces of its own. It makes
# the directory ROOT its file system, prints "ready", and does nothing more; when it ends, the kernel
# ends all other processes there, and the mounts go with the last of them.
# usage: first_process.sh ROOT
set -eu
root=$1

mount --make-rprivate /
mount --bind "$root" "$root" # pivot_root wants a mount point
cd "$root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup || true # where the machine has only version 1
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/net dev/pts dev/shm
for device in null zero full random urandom tty net/tun kvm vhost-net; do
    [ ! -e "/dev/$device" ] || cp -a "/dev/$device" "dev/$device"
done
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mkdir -m 1777 run/lock
echo fresh >proc/sys/kernel/hostname
ip link set lo up

mkdir outer
pivot_root . outer
exec chroot . /bin/sh -c '
    umount -l /outer && rmdir /outer && echo ready
    while :; do sleep 1000; done'
