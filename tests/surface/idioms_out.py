"""``out=`` wherever NumPy has it."""

import numpy as np


def out_outer(x):
    a = np.empty((3, 3))
    np.outer(x, x, out=a)
    return np.sum(a**2)


def out_take(x):
    b = np.empty(3)
    np.take(x, [1, 0, 1], out=b)
    return np.sum(b**2)


def out_takem(x):
    b = np.empty(3)
    x.take([1, 0, 1], out=b)
    return np.sum(b**2)


def out_clip(x):
    b = np.empty(3)
    np.clip(x, -1, 1, out=b)
    return np.sum(b**2)


def out_clipm(x):
    b = np.empty(3)
    x.clip(-1, 1, out=b)
    return np.sum(b**2)


def out_cumsum(x):
    b = np.empty(3)
    np.cumsum(x, out=b)
    return np.sum(b**2)


def out_cumprod(x):
    b = np.empty(3)
    x.cumprod(out=b)
    return np.sum(b**2)


def out_round(x):
    b = np.empty(3)
    np.round(x, 3, out=b)
    return np.sum(b**2)


def out_roundm(x):
    b = np.empty(3)
    x.round(3, out=b)
    return np.sum(b**2)


def out_concat(x):
    b = np.empty(3)
    np.concatenate([x[:1], x[1:]], out=b)
    return np.sum(b**2)


def out_stack(x):
    c = np.empty((2, 3))
    np.stack([x, x * 2], out=c)
    return np.sum(c**2)


def out_percentile(x):
    b = np.empty(3)
    np.percentile(np.outer([1.0, 2.0], x), 30, axis=0, out=b)
    return np.sum(b**2)


def out_quantile(x):
    b = np.empty(3)
    np.quantile(np.outer([1.0, 2.0], x), 0.30, axis=0, out=b)
    return np.sum(b**2)


def out_nanpercentile(x):
    b = np.empty(3)
    np.nanpercentile(np.outer([1.0, 2.0], x), 30, axis=0, out=b)
    return np.sum(b**2)


def out_trace(x):
    s = np.empty(())
    np.trace(np.outer(x, x), out=s)
    return np.sum(s**2)


def out_tracem(x):
    s = np.empty(())
    np.outer(x, x).trace(out=s)
    return np.sum(s**2)


def out_dot(x):
    b = np.empty(3)
    np.dot(np.outer(x, x), x, out=b)
    return np.sum(b**2)


def out_dotm(x):
    b = np.empty(3)
    np.outer(x, x).dot(x, out=b)
    return np.sum(b**2)


def out_matmul(x):
    b = np.empty(3)
    np.matmul(np.outer(x, x), x, out=b)
    return np.sum(b**2)


def out_einsum(x):
    b = np.empty(3)
    np.einsum("ij,j->i", np.outer(x, x), x, out=b)
    return np.sum(b**2)


def out_choose(x):
    b = np.empty(3)
    np.choose([0, 1, 0], [x, 2 * x], out=b)
    return np.sum(b**2)


def out_compress(x):
    b = np.empty(3)
    np.compress([1, 1, 1], x, out=b)
    return np.sum(b**2)


def out_nancumsum(x):
    b = np.empty(3)
    np.nancumsum(x, out=b)
    return np.sum(b**2)


def out_fix(x):
    b = np.empty(3)
    np.fix(x, out=b)
    return np.sum(b**2)


def out_nan_to_num(x):
    b = np.empty(3)
    b.__setitem__(slice(None), np.nan_to_num(x))
    return np.sum(b**2)


def out_modf(x):
    b = np.empty(3)
    c = np.empty((2, 3))
    np.modf(x, b, c[0])
    return np.sum(b**2)


def out_divmod(x):
    b = np.empty(3)
    c = np.empty((2, 3))
    np.divmod(x, 2, out=(b, c[0]))
    return np.sum(b**2)


def out_vecdot(x):
    b = np.empty(3)
    np.vecdot(np.outer(x, x), x, out=b)
    return np.sum(b**2)


def out_where(x):
    b = np.empty(3)
    b.fill(3)
    np.exp(x, out=b, where=x > 0)
    return np.sum(b**2)


def out_where2(x):
    b = np.empty(3)
    b.fill(3)
    np.exp(x, b, where=[True, False, True])
    return np.sum(b**2)


def out_tuple(x):
    b = np.empty(3)
    np.exp(x, out=(b,))
    return np.sum(b**2)


def out_casting(x):
    b = np.empty(3)
    np.add(x, 1, out=b, casting="unsafe")
    return np.sum(b**2)


def out_reduce(x):
    b = np.empty(3)
    np.add.reduce(np.outer(x, x), out=b)
    return np.sum(b**2)


def out_acc(x):
    b = np.empty(3)
    np.maximum.accumulate(x, out=b)
    return np.sum(b**2)


def out_acc2(x):
    b = np.empty(3)
    np.subtract.accumulate(x, out=b)
    return np.sum(b**2)


def out_uouter(x):
    a = np.empty((3, 3))
    np.add.outer(x, x, out=a)
    return np.sum(a**2)


def out_reduceat(x):
    b = np.empty(3)
    np.add.reduceat(x, [0, 1, 2], out=b)
    return np.sum(b**2)


def out_red2(x):
    b = np.empty(3)
    np.maximum.reduce(np.outer(x, x), axis=1, out=b)
    return np.sum(b**2)


def out_hyp(x):
    b = np.empty(3)
    np.hypot.reduce(np.outer(x, x), axis=1, out=b)
    return np.sum(b**2)


def out_cumulative(x):
    b = np.empty(3)
    np.cumulative_sum(x, out=b)
    return np.sum(b**2)


def out_matvec(x):
    b = np.empty(3)
    np.matvec(np.outer(x, x), x, out=b)
    return np.sum(b**2)


def out_invo(x):
    b = np.empty(3)
    np.copyto(b, np.linalg.inv(np.outer(x, x) + np.eye(3))[0])
    return np.sum(b**2)


def out_fft(x):
    b = np.empty(3)
    np.copyto(b, np.fft.fft(x, out=np.zeros(3, complex)).real)
    return np.sum(b**2)


def out_argsort(x):
    b = np.empty(3)
    np.copyto(b, x[np.argmax(np.outer(x, x), axis=0, out=np.zeros(3, int))])
    return np.sum(b**2)


def out_clipo(x):
    b = np.empty(3)
    np.copyto(b, x)
    b.clip(0, 2, out=b)
    np.negative(b, b)
    return np.sum(b**2)


def out_view(x):
    a = np.empty((3, 3))
    b = np.empty(3)
    np.copyto(a, 1.0)
    np.add(x, 1, out=a[1])
    np.copyto(b, a[1] * x)
    return np.sum(b**2)


def out_diagview(x):
    a = np.empty((3, 3))
    np.copyto(a, 1.0)
    np.add(x, 1, out=a[:, 1])
    np.multiply(a.T[0], x, out=a.T[0])
    return np.sum(a**2)


def out_sumkeep(x):
    b = np.empty(3)
    np.copyto(b, np.sum(np.outer(x, x), axis=0, keepdims=True, out=np.empty((1, 3)))[0])
    return np.sum(b**2)


def out_average(x):
    b = np.empty(3)
    np.copyto(b, np.average(np.outer(x, x), axis=0, weights=x**2))
    return np.sum(b**2)


def out_seti(x):
    b = np.empty(3)
    b.fill(0)
    b.__setitem__(0, x[0])
    b.__iadd__(x)
    return np.sum(b**2)


def out_sum(x):
    b, s = np.empty(3), np.empty(())
    np.sum(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.sum(x, out=s)
    return np.sum(b**2) + s**2


def out_prod(x):
    b, s = np.empty(3), np.empty(())
    np.prod(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.prod(x, out=s)
    return np.sum(b**2) + s**2


def out_max(x):
    b, s = np.empty(3), np.empty(())
    np.max(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.max(x, out=s)
    return np.sum(b**2) + s**2


def out_min(x):
    b, s = np.empty(3), np.empty(())
    np.min(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.min(x, out=s)
    return np.sum(b**2) + s**2


def out_mean(x):
    b, s = np.empty(3), np.empty(())
    np.mean(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.mean(x, out=s)
    return np.sum(b**2) + s**2


def out_std(x):
    b, s = np.empty(3), np.empty(())
    np.std(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.std(x, out=s)
    return np.sum(b**2) + s**2


def out_var(x):
    b, s = np.empty(3), np.empty(())
    np.var(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.var(x, out=s)
    return np.sum(b**2) + s**2


def out_amax(x):
    b, s = np.empty(3), np.empty(())
    np.amax(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.amax(x, out=s)
    return np.sum(b**2) + s**2


def out_amin(x):
    b, s = np.empty(3), np.empty(())
    np.amin(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.amin(x, out=s)
    return np.sum(b**2) + s**2


def out_nansum(x):
    b, s = np.empty(3), np.empty(())
    np.nansum(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.nansum(x, out=s)
    return np.sum(b**2) + s**2


def out_nanprod(x):
    b, s = np.empty(3), np.empty(())
    np.nanprod(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.nanprod(x, out=s)
    return np.sum(b**2) + s**2


def out_nanmax(x):
    b, s = np.empty(3), np.empty(())
    np.nanmax(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.nanmax(x, out=s)
    return np.sum(b**2) + s**2


def out_nanmin(x):
    b, s = np.empty(3), np.empty(())
    np.nanmin(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.nanmin(x, out=s)
    return np.sum(b**2) + s**2


def out_nanmean(x):
    b, s = np.empty(3), np.empty(())
    np.nanmean(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.nanmean(x, out=s)
    return np.sum(b**2) + s**2


def out_nanstd(x):
    b, s = np.empty(3), np.empty(())
    np.nanstd(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.nanstd(x, out=s)
    return np.sum(b**2) + s**2


def out_nanvar(x):
    b, s = np.empty(3), np.empty(())
    np.nanvar(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.nanvar(x, out=s)
    return np.sum(b**2) + s**2


def out_median(x):
    b, s = np.empty(3), np.empty(())
    np.median(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.median(x, out=s)
    return np.sum(b**2) + s**2


def out_ptp(x):
    b, s = np.empty(3), np.empty(())
    np.ptp(np.outer([1.0, 2.0], x), axis=0, out=b)
    np.ptp(x, out=s)
    return np.sum(b**2) + s**2
