"""Ways out: one POST, a group of them, and the guard of what may be called at all."""
