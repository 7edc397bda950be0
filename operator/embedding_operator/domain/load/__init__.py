"""What engines, gateways, triggers and forecasts report, read as load: requests, tokens and seconds."""
