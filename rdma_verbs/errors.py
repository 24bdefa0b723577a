"""Errors that only the verbs have. All are ``datapath.errors``; completion errors are data (``wc.status``)."""

import errno

from datapath.errors import CallerError

__all__ = ["PostError", "QueueFullError"]


class PostError(CallerError):
    """A work request was refused; those before it in the list were taken."""

    def __init__(self, message: str, errno: int | None = None, posted: int = 0) -> None:
        super().__init__(message, errno)
        self.posted = posted
        """How many of the list were taken."""


class QueueFullError(PostError):
    """The queue has no room now. It will have when completions are polled."""

    default_errno = errno.ENOMEM
