"""The published form of a decision: status, conditions, Events, and the memory that survives restarts."""
