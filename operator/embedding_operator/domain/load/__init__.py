"""Load, in requests, tokens and seconds, from the reports of engines, gateways, triggers and forecasts."""
