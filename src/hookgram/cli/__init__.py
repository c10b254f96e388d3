"""The command line: commands and exit codes. Rooms are imported when their command runs."""
