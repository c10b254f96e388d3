"""Programs that run beside the gateway: who posts, who receives, and the limits it is held to."""
