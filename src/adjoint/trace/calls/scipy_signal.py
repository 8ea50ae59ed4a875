"""scipy.signal on stand-in arrays."""
