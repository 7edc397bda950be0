"""Pokes: a gateway asks for a reconcile of its service now. This package authenticates and rate-limits them."""
