"""How many replicas the measured load needs, and for how long less must have sufficed before any are taken away."""
