"""The kopf shell: watch events in, the start and stop of the process. No decisions are made here.

kopf's change handlers, timers, daemons, indexes, peering and Event posting are not used: they add finalizers to every
object, repeat edges as if they were levels, and hang.
"""
