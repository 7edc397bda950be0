"""One reconcile of one service, step by step: observe, validate, decide, render, apply, report."""
