"""Pokes: a gateway asks for a reconcile of its service now. Authenticates and rate-limits them."""
