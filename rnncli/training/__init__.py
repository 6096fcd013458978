"""Train networks, search for an ensemble of them, and assemble the model."""
