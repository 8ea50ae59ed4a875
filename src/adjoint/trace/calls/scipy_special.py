"""scipy.special on stand-in arrays."""
