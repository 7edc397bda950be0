"""The work of the operator: the pipeline of one reconcile, the workqueue, and the sources of what it observes."""
