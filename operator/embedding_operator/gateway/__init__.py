"""The agent beside HAProxy in a gateway pod: it keeps HAProxy's servers and keys in sync with the cluster."""
