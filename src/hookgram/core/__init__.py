"""Decisions over frozen values: no I/O, no clock, no dice. Time and chance are arguments."""
