"""What a service's schedule asks for at an instant, in any time zone, daylight saving included."""
