"""End-to-end tests of Embedding Operator and the clusters they run on."""
