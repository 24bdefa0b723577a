"""RDMA over Converged Ethernet, version 2: the engine and its faces."""
