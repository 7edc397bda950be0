"""Metrics in and metrics out: those of engines and gateways, and the operator's own."""
