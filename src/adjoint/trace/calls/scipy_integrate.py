"""scipy.integrate on stand-in arrays."""
