"""The configuration file: bots and targets as data, read once and checked whole."""
