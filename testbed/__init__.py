"""Common ground of tests, end-to-end scenarios, demo and benchmarks: clusters, engines, load, processes."""
