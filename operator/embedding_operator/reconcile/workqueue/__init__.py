"""When which service is looked at: the queue of keys, its workers, the regular tick and what the watches add."""
