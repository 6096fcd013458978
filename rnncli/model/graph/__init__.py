"""Networks as graphs of operators, computed in NumPy: forecasts without torch."""
