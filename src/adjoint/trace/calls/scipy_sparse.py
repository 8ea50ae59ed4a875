"""scipy.sparse on stand-in arrays."""
