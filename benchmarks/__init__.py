"""What we claim about speed, measured beside its limit: ``make bench``."""
