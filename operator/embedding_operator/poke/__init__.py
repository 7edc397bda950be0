"""Notices of gateways that a service should be looked at now: what comes in, from whom, and how often it counts."""
