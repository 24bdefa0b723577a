"""The lab: real peers for tests, in network namespaces and small QEMU guests.

A guest boots Debian's kernel with a tiny initramfs and runs one script, so that
what this project speaks is tested against implementations that it did not write:
Soft-RoCE (``rdma_rxe``), ``nvme-tcp`` and the kernel's virtio drivers.

======================  ====================================================
:mod:`~.image`          builds and caches what a guest boots
:mod:`~.kernel`         Debian's kernel: fetch it, unpack it, choose modules
:mod:`~.cpio`           the archive format of an initramfs
:mod:`~.programs`       the system's programs and the libraries they link to
:mod:`~.nic`            descriptions of a guest's NICs (tap, dgram, vhost-user)
:mod:`~.qemu`           a guest as QEMU's arguments and an initramfs
:mod:`~.guest`          boots a guest, streams its output, returns its exit code
:mod:`~.netns`          network namespaces, veth pairs, taps, bridges, sockets
======================  ====================================================

Taps and namespaces need root; ``dgram`` and vhost-user NICs do not.
"""
