"""One sentence of business each: ports joined to do one thing."""
