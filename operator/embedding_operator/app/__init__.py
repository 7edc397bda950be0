"""One running operator: its parts, what it does again and again, what is told of it, its begin and its end."""
