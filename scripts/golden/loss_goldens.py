"""Goldens of the losses of values: rows of outputs and values -> the loss and its gradient, by PyTorch's autograd over its own losses where it
has them (poisson_nll_loss, kl_div, normalize) and over Keras' formulas where not; each checked by formulas in NumPy and by central
differences.    usage: loss_goldens.py OUT_FILE"""
import sys
import numpy as np, torch, torch.nn.functional as F
from common import *
torch.set_num_threads(1); torch.set_default_dtype(torch.float64)
EPS = 1e-7

def t_loss(name, a, y):
    """the rows' losses, or the elements'"""
    if name == 'meanAbsolutePercentageError': return 100 * (a - y).abs() / y.abs().clamp(min=EPS)
    if name == 'meanSquaredLogarithmicError': return (torch.log1p(a.clamp(min=EPS)) - torch.log1p(y.clamp(min=EPS))) ** 2
    if name == 'poisson': return F.poisson_nll_loss(a, y, log_input=False, full=False, eps=EPS, reduction='none')
    if name == 'kullbackLeiblerDivergence': return F.kl_div(a.clamp(EPS, 1).log(), y.clamp(EPS, 1), reduction='none').sum(1)
    if name == 'categoricalHinge':
        return (((1 - y) * a).max(1).values - (y * a).sum(1) + 1).clamp(min=0)
    return -(F.normalize(a, dim=1, eps=EPS) * F.normalize(y, dim=1, eps=EPS)).sum(1)

def n_loss(name, a, y):
    """losses and their gradients, own formulas"""
    if name == 'meanAbsolutePercentageError':
        s = np.maximum(np.abs(y), EPS); return 100 * np.abs(a - y) / s, 100 * np.sign(a - y) / s
    if name == 'meanSquaredLogarithmicError':
        d = np.log(np.maximum(a, EPS) + 1) - np.log(np.maximum(y, EPS) + 1); return d * d, np.where(a > EPS, 2 * d / (a + 1), 0)
    if name == 'poisson': return a - y * np.log(a + EPS), 1 - y / (a + EPS)
    if name == 'kullbackLeiblerDivergence':
        p, q = np.clip(a, EPS, 1), np.clip(y, EPS, 1); return (q * np.log(q / p)).sum(1), np.where((a >= EPS) & (a <= 1), -q / p, 0)
    if name == 'categoricalHinge':
        other = (1 - y) * a; rival = other.argmax(1); m = other.max(1) - (y * a).sum(1) + 1
        g = -y; g[np.arange(len(a)), rival] += (1 - y)[np.arange(len(a)), rival]
        return np.maximum(m, 0), g * (m > 0)[:, None]
    na, ny = np.sqrt((a * a).sum(1)), np.sqrt((y * y).sum(1)); A, Y = np.maximum(na, EPS)[:, None], np.maximum(ny, EPS)[:, None]
    c = ((a / A) * (y / Y)).sum(1)
    return -c, np.where(na[:, None] > EPS, (c[:, None] * a / A - y / Y) / A, 0)

def case(id, name, reduction, a, y, torch_gradient=True, differences=True):
    a, y = np.array(a, float), np.array(y, float)
    t = torch.tensor(a, requires_grad=True)
    rows = t_loss(name, t, torch.tensor(y))
    loss = rows.mean() if reduction == 'mean' else rows.sum()
    loss.backward()
    each, gradient = n_loss(name, a, y)
    share = each.size if reduction == 'mean' else 1.0
    gradient = gradient / share
    assert abs(each.sum() / share - loss.item()) <= 1e-13 * max(1, abs(loss.item())), id
    own = t.grad.numpy()
    scale = max(1, np.abs(gradient).max())
    if torch_gradient: assert np.abs(own - gradient).max() <= 1e-12 * scale, (id, own, gradient)
    if differences:
        for at in np.ndindex(a.shape):
            h = 1e-6 * max(abs(a[at]), 1e-2); up, down = a.copy(), a.copy(); up[at] += h; down[at] -= h
            d = (n_loss(name, up, y)[0].sum() - n_loss(name, down, y)[0].sum()) / share / (up[at] - down[at])
            assert abs(d - gradient[at]) <= 1e-6 * scale, (id, at, d, gradient[at])
    return {'id': id, 'loss': name, 'reduction': reduction, 'rows': len(a), 'outputs': a.shape[1], 'a': a.ravel(), 'y': y.ravel(),
            'value': loss.item(), 'gradient': (own if torch_gradient else gradient).ravel()}

def soft(z): e = np.exp(z - z.max(1, keepdims=True)); return e / e.sum(1, keepdims=True)
def hot(rs, n, c): return np.eye(c)[rs.randint(c, size=n)]

def main(out):
    cases = []
    for k, (n, c) in enumerate([(1, 1), (3, 1), (2, 2), (5, 3), (4, 8), (3, 9), (2, 16), (2, 17), (3, 33)]):
        rs = np.random.RandomState(900 + k)
        red = 'mean' if k % 3 else 'sum'
        z, v = rs.randn(n, c) * 2, rs.randn(n, c)
        cases.append(case(f'mape{k}', 'meanAbsolutePercentageError', red, z, v))
        cases.append(case(f'msle{k}', 'meanSquaredLogarithmicError', red, z, np.abs(v) * 3))
        cases.append(case(f'poisson{k}', 'poisson', red, np.exp(z), rs.poisson(2, size=(n, c))))
        cases.append(case(f'kl{k}', 'kullbackLeiblerDivergence', red, soft(z), soft(v), differences=c > 1))
        cases.append(case(f'hinge{k}', 'categoricalHinge', red, z, hot(rs, n, c)))
        cases.append(case(f'softHinge{k}', 'categoricalHinge', red, z, rs.rand(n, c)))
        cases.append(case(f'cosine{k}', 'cosineSimilarity', red, z, v))
    E = lambda *args, **kw: cases.append(case(*args, **{'differences': False, **kw}))
    E('mape_zeros', 'meanAbsolutePercentageError', 'sum', [[1, 0, -2, 5e-8]], [[0, 0, -2, 5e-8]])
    E('msle_below_zero', 'meanSquaredLogarithmicError', 'sum', [[-3, 0, 1, 1000, 0.5]], [[2, 0, 1, 0, 0]])
    E('poisson_zero', 'poisson', 'sum', [[0, 0, 1e-9, 3]], [[0, 2, 1, 0]])
    E('kl_limits', 'kullbackLeiblerDivergence', 'sum', [[0, 1, 0.5], [1e-7, 0.25, 1.5], [-1, 0.5, 0.5]], [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0]])
    E('hinge_right', 'categoricalHinge', 'mean', [[3, -1, 0.5], [0, 5, 4.5]], [[1, 0, 0], [0, 1, 0]])
    E('hinge_all_below', 'categoricalHinge', 'sum', [[-3, -1, -2]], [[1, 0, 0]])
    E('cosine_alike', 'cosineSimilarity', 'sum', [[3, 4], [3, 4], [1, 0]], [[6, 8], [-3, -4], [0, 2]])
    # The limit's own slope is 1 / epsilon; nabla takes 0 for outputs that point nowhere.
    E('cosine_nothing', 'cosineSimilarity', 'mean', [[0, 0], [1, 2], [3e-9, 0]], [[1, 1], [0, 0], [1, 0]], torch_gradient=False)
    dump(out, {'torch': torch.__version__, 'cases': cases})
    print(len(cases), 'cases')

main(sys.argv[1])
