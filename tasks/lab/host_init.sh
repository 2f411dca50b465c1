#!/bin/sh
# Pid 1 of a lab host, in its own network, pid, mount and uts namespaces. It becomes the host's sshd:
# when that ends, the kernel ends everything else on the host, as if a machine lost power.
# usage: host_init.sh NODE_DIRECTORY HOSTNAME
set -eu
node=$1
hostname=$2

echo "$hostname" >/proc/sys/kernel/hostname
ip link set lo up
# Bridged packets must not pass the machine's firewall rules.
bridge_firewall=/proc/sys/net/bridge/bridge-nf-call-iptables
if [ -e "$bridge_firewall" ]; then echo 0 >"$bridge_firewall"; fi

# The inherited /sys shows the machine's network devices, and has no tracefs or bpffs below it.
mount -t sysfs sysfs /sys
mount -t tracefs tracefs /sys/kernel/tracing
mount -t debugfs debugfs /sys/kernel/debug
mount -t bpf bpf /sys/fs/bpf

# Hosts share the machine's programs, but no directory that programs write to. The node's own directory
# is mounted first, because it may be below one of those that are covered next.
mount -t tmpfs -o mode=755 tmpfs /srv
mkdir /srv/node /srv/bench
mount --bind "$node" /srv/node
mount --bind "$node/bench" /srv/bench
for place in /run /var/log; do
    mount -t tmpfs -o mode=755 tmpfs "$place"
done
for place in /tmp /var/tmp /dev/shm; do
    mount -t tmpfs -o mode=1777 tmpfs "$place"
done
mount -t tmpfs -o mode=700 tmpfs /root
mkdir /run/sshd

# sshd without PAM refuses root if its password is locked with "!", as installers often leave it.
echo 'root:*:19000:0:99999:7:::' >/srv/node/shadow
chmod 600 /srv/node/shadow
mount --bind /srv/node/shadow /etc/shadow

cd /
exec /usr/sbin/sshd -D -f /srv/node/sshd_config -E /srv/node/sshd.log
