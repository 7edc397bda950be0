"""What the operator decides, from values alone: no clock, no I/O, no exception for missing data."""
