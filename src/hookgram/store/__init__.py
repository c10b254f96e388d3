"""Where events and deliveries are durable: one folder per database, each with its own SQL."""
