"""scipy.linalg on stand-in arrays."""
