"""One running operator: its components, its loops, its life cycle, and its own metrics and logs."""
