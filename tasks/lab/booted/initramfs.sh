#!/bin/busybox sh
# The initramfs of a lab's machine: mounts the disk, hands over the keys and the first process, which
# it starts.
/bin/busybox mount -t devtmpfs devtmpfs /dev
while read -r module; do
    /bin/busybox insmod "/modules/$module"
done </modules/order
/bin/busybox mount -t ext4 /dev/vda /disk
/bin/busybox cp -r /srv/node/. /disk/etc/ssh/
/bin/busybox cp /first_process /disk/init
/bin/busybox mount --move /dev /disk/dev
exec /bin/busybox switch_root /disk /init
