"""The bounds that a service's schedule sets at an instant, in any time zone, including daylight saving."""
