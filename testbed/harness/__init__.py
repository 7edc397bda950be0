"""The operator as a process on the control plane, with a fake engine behind every KWOK pod."""
