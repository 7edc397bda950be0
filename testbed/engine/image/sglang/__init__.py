"""Replaces SGLang in the test image, so that the operator's command line runs there unchanged."""
