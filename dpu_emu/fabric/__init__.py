"""Fabrics in virtual time: topologies, workloads, scenarios and their results."""
