"""Scenarios over the fabric simulator: topologies, workloads, strict files, results and reports."""
