"""The kopf shell: watch events in, probes out. Nothing is decided here.

kopf's change handlers, timers, daemons, indexes, peering and Event posting stay unused: they add finalizers to every
object, repeat edges as if they were levels, and stall.
"""
