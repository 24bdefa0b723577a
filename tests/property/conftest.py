"""No deadline for an example: how long it takes on a busy machine says nothing about the code."""

from hypothesis import settings

settings.register_profile("no deadline", settings(), deadline=None)
settings.load_profile("no deadline")
