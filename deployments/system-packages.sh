#!/bin/sh
# Installs missing packages that the lab and the tests need, on Debian 12 or later or Ubuntu 22.04 or
# later, as root. netperf is in non-free (Debian) or multiverse (Ubuntu); if that component is not
# configured, it is added in a sources file of its own.
#   sh deployments/system-packages.sh [with-browser] [with-vm] [with-ovs] [with-postgresql] [with-fresh]
set -eu

say() { printf '%s\n' "$*"; }
has() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }

[ "$(uname -s)" = Linux ] || { say "not Linux: the lab cannot run here; ingest, analyze and compare do"; exit 2; }

wanted=
need() { has "$1" || wanted="$wanted $2"; }
need sshd openssh-server
need ssh openssh-client
need iperf3 iperf3
need pidstat sysstat
need bpftrace bpftrace
need ip iproute2
need ethtool ethtool
need ps procps
need setsid util-linux
need mount mount
need netperf netperf
need sockperf sockperf  # tail workloads
if ! has bpftool; then
    if grep -qi ubuntu /etc/os-release; then wanted="$wanted linux-tools-common"; else wanted="$wanted bpftool"; fi
fi
python3 -c 'import ensurepip' 2>/dev/null || wanted="$wanted python3-venv"
for extra; do
    case $extra in
        with-browser) need chromium chromium; need fc-list fontconfig
                      [ -n "$(fc-list :lang=zh 2>/dev/null)" ] || wanted="$wanted fonts-noto-cjk" ;;
        with-vm) need qemu-system-x86_64 qemu-system-x86; need busybox busybox-static
                 need modprobe kmod; need mawk mawk; need gzip gzip; need tar tar  # for guests
                 need xz xz-utils  # a kernel's modules are compressed: by xz on Debian, by zstd on Ubuntu
                 if grep -qi ubuntu /etc/os-release; then need zstd zstd; fi ;;
        with-ovs) need ovs-vsctl openvswitch-switch ;;
        with-postgresql) [ -n "$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" ] ||
                             need initdb postgresql ;;
        with-fresh) need mmdebstrap mmdebstrap; need slirp4netns slirp4netns; need git git
                    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
                        wanted="$wanted debian-archive-keyring" ;;
        *) say "unknown option $extra; expected with-browser, with-vm, with-ovs, with-postgresql or with-fresh"
           exit 2 ;;
    esac
done
[ -n "$wanted" ] || exit 0

has apt-get || { say "missing:$wanted; no apt-get on this system: install them with its own package manager"; exit 2; }
[ "$(id -u)" = 0 ] || { say "missing:$wanted; neither root nor sudo: ask an administrator for them"; exit 2; }

say "installing:$wanted"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
case $wanted in
    *netperf*)
        if [ -z "$(apt-cache madison netperf)" ]; then
            . /etc/os-release
            component=non-free
            [ "$ID" = ubuntu ] && component=multiverse
            mirror=$(apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(CODENAME) $(REPO_URI)' |
                sed -n "s/^\(Debian\|Ubuntu\) main $VERSION_CODENAME //p" | head -n 1)
            printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\nSigned-By: %s\n' \
                "$mirror" "$VERSION_CODENAME" "$component" "/usr/share/keyrings/$ID-archive-keyring.gpg" \
                >/etc/apt/sources.list.d/ebpf-overhead-netperf.sources
            apt-get update -qq
        fi ;;
esac
# shellcheck disable=SC2086  # a list of words
apt-get install -y -qq --no-install-recommends $wanted >/dev/null
