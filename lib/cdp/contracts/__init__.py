"""Every table of the lake, declared once: one file a table, found by walking."""
