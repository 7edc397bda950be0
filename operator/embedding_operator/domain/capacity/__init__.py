"""What one replica of a pool can do, how long it takes to start, and how both are learned from what was measured."""
