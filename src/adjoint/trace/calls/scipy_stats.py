"""scipy.stats on stand-in arrays."""
