"""An example model that predicts which machines fail within a week: replace it with yours, step by step."""
