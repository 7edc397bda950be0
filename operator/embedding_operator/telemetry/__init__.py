"""Figures in and figures out: what engines say, and what the operator says about itself."""
