"""What the compiled library is: version, compiler, sanitizers."""

from datapath._native import Build, build

__all__ = ["Build", "build"]
