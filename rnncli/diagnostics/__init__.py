"""Diagnostics of trained networks: gradients, memory, gates, attention and permutation importance."""
