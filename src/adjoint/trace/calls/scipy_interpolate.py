"""scipy.interpolate on stand-in arrays."""
