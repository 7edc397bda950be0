"""When each object is reconciled: the queue of keys, its workers, the regular tick and what the watches add."""
