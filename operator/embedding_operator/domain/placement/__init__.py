"""How many replicas each pool runs: prices, bounds, pools in backoff, and the handover between pools."""
