#!/bin/sh
# Puts the newest of Debian's kernels that match a pattern, and its headers (BCC compiles against
# them), into a root that mmdebstrap has made. They are unpacked only: nothing of them is configured.
# usage, as mmdebstrap's customize hook: machine_kernel.sh ROOT PATTERN
set -eu
root=$1
pattern=$2
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"

image=$(apt-cache search --names-only "$pattern" | cut -d' ' -f1 | sort -V | tail -n 1)
if [ -z "$image" ]; then
    echo "no package matches $pattern; do the configured mirrors serve it?" >&2
    exit 1
fi
headers=linux-headers-${image#linux-image-}
needed=$(apt-cache depends "$headers" | sed -nE 's/^ *Depends: (linux-(headers|kbuild)\S*)/\1/p')

packages=$(mktemp -d)
# shellcheck disable=SC2086  # a list of words
(cd "$packages" && apt-get download -qq "$image" "$headers" $needed)
for package in "$packages"/*.deb; do
    # /lib is a link to usr/lib, which `dpkg-deb --extract` would replace by a directory.
    dpkg-deb --fsys-tarfile "$package" | tar --directory="$root" --extract --keep-directory-symlink
done
rm -r "$packages"
depmod --basedir="$root" "${image#linux-image-}"

# What guests inside the machine boot is the machine's own kernel.
guest=$root/var/cache/ebpf-overhead/guest-kernel
mkdir -p "$guest/boot" "$guest/lib/modules"
cp "$root"/boot/vmlinuz-* "$guest/boot/"
find "$root/lib/modules/" \( -name 'virtio*.ko*' -o -name '*failover.ko*' \) -exec cp {} "$guest/lib/modules/" \;

# sshd refuses an account whose password is locked with "!".
sed -i 's/^root:[^:]*:/root:*:/' "$root/etc/shadow"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
