"""Errors that a test cluster reports to users: one sentence that names the problem and, if there is one, the fix."""


class ClusterError(Exception):
    """A cluster, image or program could not be created; the message is meant to be shown as it is."""


class PrerequisiteError(ClusterError):
    """Something required on this machine is missing and could not be installed."""
