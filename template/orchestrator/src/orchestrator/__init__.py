"""The service between callers and models."""
