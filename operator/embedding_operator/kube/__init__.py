"""Kubernetes I/O: what is read into one store, and the few ways in which the operator writes."""
