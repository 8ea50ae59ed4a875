"""Networks as scikit-learn estimators."""

from adjoint.estimators.perceptron import MLPClassifier, MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
