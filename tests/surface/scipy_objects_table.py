"""scipy.stats: random variables as objects: cases in every mode."""

from typing import Any

import numpy as np
import scipy.stats as st

m = np.float64(0.7)
x = np.array([0.7, 0.8, 0.95])
Gamma = st.make_distribution(st.gamma)


def at(variable: Any, place: float | None, names: str) -> list[Any]:
    """Some of a variable's functions."""
    return [getattr(variable, n)(*([] if place is None else [place])) for n in names.split()]


CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "Normal": (
        lambda m: at(st.Normal(mu=m, sigma=1.2), 0.3, "pdf logpdf cdf logcdf ccdf icdf iccdf"),
        (m,),
    ),
    "Normal moments": (
        lambda m: at(st.Normal(mu=m, sigma=m), None, "mean variance skewness median entropy"),
        (m,),
    ),
    "Normal rows": (lambda x: st.Normal(mu=x, sigma=1.2).logpdf([[0.1], [0.2]]), (x,)),
    "Normal place": (lambda x: st.Normal(mu=0.1, sigma=1.2).logpdf(x), (x,)),
    "Normal draws": (
        lambda m: st.Normal(mu=m, sigma=m).sample(3, rng=np.random.default_rng(1)),
        (m,),
    ),
    "Uniform": (lambda m: at(st.Uniform(a=m, b=1.2), 0.8, "pdf cdf logcdf icdf"), (m,)),
    "Uniform beyond": (lambda x: st.Uniform(a=0.75, b=0.9).cdf(x), (x,)),
    "Binomial": (lambda m: at(st.Binomial(n=5, p=m), 2, "pmf cdf ccdf"), (m,)),
    "made": (lambda m: at(Gamma(a=m), 0.8, "pdf cdf icdf") + at(Gamma(a=m), None, "mean"), (m,)),
    "moved": (lambda m: at(m * st.Normal() + m, 0.8, "pdf cdf icdf"), (m,)),
    "moved moments": (lambda m: at(m * Gamma(a=m) - m, None, "mean variance skewness"), (m,)),
    "exp": (lambda m: at(st.exp(st.Normal(mu=m, sigma=1.0)), 0.3, "pdf cdf icdf"), (m,)),
    "log abs": (
        lambda m: at(st.log(st.Uniform(a=m, b=2.0)), 0.3, "pdf cdf")
        + at(st.abs(st.Normal(mu=m, sigma=1.0)), 0.3, "pdf"),
        (m,),
    ),
    "truncate": (
        lambda m: at(st.truncate(st.Normal(mu=m, sigma=1.0), -1.0, 2.0), 0.3, "pdf cdf icdf"),
        (m,),
    ),
    "truncate at": (
        lambda m: at(st.truncate(st.Normal(), -m, 9.0), 6.5, "logpdf logcdf logccdf"), (m,)
    ),
    "between": (
        lambda m: [
            [law.cdf(0.3, m), law.ccdf(0.3, m), law.logcdf(0.3, m).real, law.cdf(m, 0.3)]
            for law in (st.Normal(mu=m, sigma=1.0), st.Uniform(a=0.1 * m, b=2.0), Gamma(a=m))
        ],
        (m,),
    ),
    "square": (lambda m: at(st.Normal(mu=m, sigma=1.0) ** 2, 0.3, "pdf cdf"), (m,)),
    "weights": (
        lambda m: at(st.Mixture([st.Normal(mu=1.0), st.Normal()], weights=[m, 1 - m]), 0.3, "pdf"),
        (m,),
    ),
    "order": (
        lambda m: at(st.order_statistic(st.Normal(mu=m, sigma=1.0), r=2, n=5), 0.3, "pdf cdf"),
        (m,),
    ),
    "Mixture": (
        lambda m: at(
            st.Mixture([st.Normal(mu=m, sigma=1.0), st.Normal()], weights=[0.3, 0.7]),
            0.3, "pdf logpdf cdf",
        ),
        (m,),
    ),
}  # fmt: skip
# What is left out, by case: SciPy adds in another order.
SKIP: dict[str, str] = {
    "Binomial": "bits",
    "moved moments": "bits",
    "made": "bits",
}
