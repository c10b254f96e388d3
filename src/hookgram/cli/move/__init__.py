"""``hookgram move``: from a file to a database, with all that is owed."""
