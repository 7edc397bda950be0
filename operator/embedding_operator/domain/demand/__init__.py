"""The capacity that the measured load needs, and how long less must have sufficed before replicas are removed."""
