"""Every option of the program: its type, its help text, and which options exclude each other."""
