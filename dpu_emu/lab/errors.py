"""The lab's own errors: what a missing peer, a broken image or a lost guest raise."""


class LabError(Exception):
    """Something in the lab is missing or failed; the message names it."""


class ImageError(LabError):
    """The guest's image cannot be built: a package, a module or the network is missing."""


class SpecError(LabError, ValueError):
    """A guest or NIC was described wrongly."""


class GuestError(LabError):
    """A guest or its QEMU ended without an exit code."""


class GuestTimeout(GuestError):
    """A guest was still running when its time was up, and was killed."""
