"""Background requests to engines, gateways and Prometheus, for all services."""
