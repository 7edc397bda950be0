"""End-to-end tests of Embedding Operator, and the demo."""
