"""Pokes: a gateway asks that its service be looked at now. Who sends one, and how often it counts."""
