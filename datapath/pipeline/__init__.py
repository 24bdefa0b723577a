"""Running P4 programs: one interface, two targets, the C engine and the reference evaluator."""
