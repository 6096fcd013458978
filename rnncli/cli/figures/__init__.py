"""Figures for --plot. matplotlib (rnncli[plots]) is only imported to draw one."""
