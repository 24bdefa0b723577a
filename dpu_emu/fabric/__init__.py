<<<<<<< HEAD
"""Scenarios over the fabric simulator: topologies, workloads, strict files, results and reports."""
=======
"""Fabrics in virtual time: topologies, workloads, scenarios and their results."""
>>>>>>> w/simc
