#!/bin/sh
# Pid 1 of a lab's machine. Everything that the lab or a tool may need is loaded before anything is
# measured, because loading a module moves the baseline. It becomes the machine's sshd.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
for place in /dev/shm /run /tmp; do
    mount -t tmpfs -o mode=1777 tmpfs "$place"
done
mount -t tracefs tracefs /sys/kernel/tracing
mount -t debugfs debugfs /sys/kernel/debug
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo lab-machine >/proc/sys/kernel/hostname

for module in veth bridge tun vhost_net openvswitch bonding kvm_amd kvm_intel \
    nf_conntrack nf_defrag_ipv4 nf_tables nft_ct nft_counter sch_fq sch_fq_codel sch_netem ifb; do
    modprobe --quiet "$module"
done

# eth0 leads to this machine's sshd; eth1 becomes a member of the lab's management network.
ip link set lo up
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip link set eth1 addrgenmode none

mkdir -p /run/sshd /run/lock
chmod 600 /etc/ssh/host_key /etc/ssh/authorized_keys
exec /usr/sbin/sshd -D -e -f /etc/ssh/sshd_config_lab
