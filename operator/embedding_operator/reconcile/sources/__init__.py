"""What is asked of engines, gateways and Prometheus in the background, for all services."""
