"""Prints which dpu-emu this Python runs, and whether its compiled part carries sanitizers."""

from datapath.build import build

this = build()
print(f"dpu-emu {this.version}, compiled by gcc {this.compiler}", this.sanitizers and f"with {this.sanitizers}")
