"""The errors a test cluster reports to people: one sentence that names the trouble and, where there is one, the fix."""


class ClusterError(Exception):
    """A cluster, image or program could not be brought up; the message is meant to be shown as it is."""


class PrerequisiteError(ClusterError):
    """Something this machine must have is not there and could not be installed."""
