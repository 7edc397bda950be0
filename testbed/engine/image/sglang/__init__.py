"""Stands in for SGLang in the image of the tests, so that the operator's command line runs there unchanged."""
