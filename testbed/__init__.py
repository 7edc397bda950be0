"""What tests, the end-to-end scenarios, the demo and the benchmarks stand on: clusters, engines, load, processes."""
