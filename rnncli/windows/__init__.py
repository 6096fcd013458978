"""Windows of a panel as batches of tensors, and samplers of training windows."""
