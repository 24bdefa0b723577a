"""The simple test format (STF) in which the P4 community writes packet tests: text to commands, and their runner."""
