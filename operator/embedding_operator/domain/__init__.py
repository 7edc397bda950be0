"""The operator's decisions, as functions of values alone: no clock, no I/O, no exceptions for missing data."""
