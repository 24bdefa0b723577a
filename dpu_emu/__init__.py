"""The emulated DPU and its world."""
