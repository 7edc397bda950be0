"""`kubectl embsvc`: why a service has its replicas, and what it would do on recorded traffic."""
