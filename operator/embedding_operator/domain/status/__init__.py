"""What a decision becomes for people and other programs: status, conditions, Events, and the memory across restarts."""
