"""scipy.spatial on stand-in arrays."""
