"""Which pool runs how many replicas: prices, bounds, pools in backoff, and the handover between two pools."""
