"""The lab's own errors: what a missing peer, a broken image or a lost guest raise."""

import errno

from datapath.errors import CallerError, DpuError


class LabError(DpuError):
    """Something in the lab is missing or failed; the message names it."""


class ImageError(LabError):
    """The guest's image cannot be built: a package, a module or the network is missing."""


class SpecError(LabError, CallerError):
    """A guest or NIC was described wrongly."""


class GuestError(LabError):
    """A guest or its QEMU ended without an exit code."""


class GuestTimeoutError(GuestError):
    """A guest was still running when its time was up, and was killed."""

    default_errno = errno.ETIMEDOUT
