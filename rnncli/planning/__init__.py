"""Choose what to train from the data, without torch: architecture, window lengths, split and synthetic series."""
