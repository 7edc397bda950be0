"""What the garbage collector need not look at."""

import gc


def leave_out_what_is_known() -> None:
    """Leave out of all later garbage collections what exists now.

    Called once the cluster is read: a full collection would look at every object of every service, and nothing else
    runs meanwhile. What is left out is still freed when the last reference to it goes.
    """
    gc.collect()
    gc.freeze()
