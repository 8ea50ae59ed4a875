"""scipy.optimize on stand-in arrays."""
