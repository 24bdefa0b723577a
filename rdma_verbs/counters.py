"""The names of the engine's counters, in the order in which a node's shared memory holds them."""

from rdma_verbs._native_counters import counter_aliases, counter_names, named_counters, qp_counter_names

__all__ = ["counter_aliases", "counter_names", "named_counters", "qp_counter_names"]
