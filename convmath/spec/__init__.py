"""The vocabulary: what a network is, how a file says it, and how files are read."""
