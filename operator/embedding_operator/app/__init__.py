"""One running operator: its components, its loops, its life cycle, and what it records of its work."""
