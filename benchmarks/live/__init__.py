"""Measurements on a live control plane, and the watches that take them."""
