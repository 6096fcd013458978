"""What is done to rnncli by tests/benchmarks/faults.py."""
