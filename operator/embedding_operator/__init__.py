"""Kubernetes operator that runs SGLang text-embedding servers on GPU pools, scaled by queue and clock."""
