"""``python -m control_plane.cli``: the command without its entry point."""

from control_plane.cli import main

main()
