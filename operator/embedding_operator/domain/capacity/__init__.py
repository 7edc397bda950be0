"""The capacity and startup time of one replica of a pool, and how both are learned from measurements."""
