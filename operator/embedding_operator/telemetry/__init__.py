"""Metrics in and metrics out: what engines and gateways say, and what the operator says about itself."""
