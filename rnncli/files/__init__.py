"""Atomic writes, paths and URLs, and the checksummed safetensors container."""
