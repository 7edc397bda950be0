"""One look at one service, step by step: observe, validate, decide, render, apply, report."""
