"""scipy.fft on stand-in arrays."""
