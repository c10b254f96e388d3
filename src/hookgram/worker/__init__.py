"""Claims deliveries, tries them, records what became of them; and looks after what is left."""
