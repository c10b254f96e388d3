"""Turns facts into what people and machines watch; and ends a process that hangs."""
