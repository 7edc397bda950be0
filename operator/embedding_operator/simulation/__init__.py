"""The simulator: requests, queues, replicas and nodes around the operator's own decisions, and what others would do."""
