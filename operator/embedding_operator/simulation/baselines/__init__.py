"""What users would run instead: each policy as its sources describe it, every constant with its origin."""
