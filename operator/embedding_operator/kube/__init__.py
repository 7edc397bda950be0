"""Kubernetes I/O: the store that everything is read into, and the few ways in which the operator writes."""
