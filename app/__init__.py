"""The documented address of the application: ``uvicorn app.main:app``."""
