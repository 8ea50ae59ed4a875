"""scipy.ndimage on stand-in arrays."""
