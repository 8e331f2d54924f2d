"""L-BFGS with strong Wolfe line search: PyTorch's trajectories on small networks, float64, one iteration a step.
Each is followed a second time by NumPy (own two-loop recursion and search).     usage: lbfgs_goldens.py OUT_DIR"""
import sys, math
import numpy as np, torch, torch.nn.functional as F
from common import *
torch.set_num_threads(1); torch.set_default_dtype(torch.float64)

CASES = [  # name, layers, hidden activation, loss, rows, L2 on the weights, history, iterations, learning rate
    ('classifier', [4, 6, 3], 'tanh', 'crossEntropy', 24, 0.0, 10, 30, 1.0),
    ('classifier_l2', [4, 6, 3], 'sigmoid', 'crossEntropy', 24, 0.02, 10, 30, 1.0),
    ('regression', [3, 8, 2], 'tanh', 'meanSquaredError', 20, 0.0, 5, 30, 1.0),
    ('regression_short_history', [3, 5, 1], 'sigmoid', 'meanSquaredError', 16, 0.001, 2, 30, 0.5),
    ('long_steps', [3, 6, 2], 'tanh', 'meanSquaredError', 20, 0.0, 10, 20, 12.0),  # the search shrinks brackets
    ('short_steps', [4, 5, 3], 'tanh', 'crossEntropy', 24, 0.0, 10, 20, 0.03),  # and grows steps
]
ACT = {'tanh': (torch.tanh, np.tanh, lambda a: 1 - a * a), 'sigmoid': (torch.sigmoid, lambda z: 1 / (1 + np.exp(-z)), lambda a: a * (1 - a))}

def numpy_loss(layers, act, loss, l2, x, y, flat):
    """loss and gradient, own formulas"""
    o, i, h = layers[1], layers[0], layers[2]; n = len(x)
    W1 = flat[:o * i].reshape(o, i); b1 = flat[o * i:o * i + o]; W2 = flat[o * i + o:o * i + o + h * o].reshape(h, o); b2 = flat[o * i + o + h * o:]
    a = ACT[act][1](x @ W1.T + b1); z = a @ W2.T + b2
    if loss == 'crossEntropy':
        e = np.exp(z - z.max(1, keepdims=True)); p = e / e.sum(1, keepdims=True)
        f = -np.log(p[np.arange(n), y]).mean(); d = p.copy(); d[np.arange(n), y] -= 1; d /= n
    else:
        f = ((z - y) ** 2).mean(); d = 2 * (z - y) / z.size
    f += l2 / 2 * ((W1 ** 2).sum() + (W2 ** 2).sum())
    d1 = (d @ W2) * ACT[act][2](a)
    return f, np.concatenate([(d1.T @ x + l2 * W1).ravel(), d1.sum(0), (d.T @ a + l2 * W2).ravel(), d.sum(0)])

def cubic(p, q, lo, hi):
    (t1, f1, g1), (t2, f2, g2) = sorted([p[:3], q[:3]])
    d1 = g1 + g2 - 3 * (f1 - f2) / (t1 - t2); s = d1 * d1 - g1 * g2
    if not s >= 0: return (lo + hi) / 2
    d2 = math.sqrt(s); return min(max(t2 - (t2 - t1) * (g2 + d2 - d1) / (g2 - g1 + 2 * d2), lo), hi)

def search(fg, x, f, g, d, t):
    """Nocedal, Wright, algorithms 3.5 and 3.6; a point is (t, value, slope, gradient)"""
    s0 = g @ d
    def at(t): v, h = fg(x + t * d); return (t, v, h @ d, h)
    enough = lambda p: p[1] <= f + 1e-4 * p[0] * s0
    low, p, n = (0.0, f, s0, g), at(t), 1
    while True:
        if not enough(p) or (n > 1 and p[1] >= low[1]): high = p; break
        if abs(p[2]) <= -0.9 * s0: return p
        if p[2] >= 0: low, high = p, low; break
        t = cubic(low, p, p[0] + 0.01 * (p[0] - low[0]), 10 * p[0]); low = p; p = at(t); n += 1
    near = False
    while n < 25 and abs(high[0] - low[0]) * np.abs(d).max() >= 1e-9:
        a, b = sorted([low[0], high[0]]); t = cubic(low, high, a, b); m = 0.1 * (b - a)
        if min(b - t, t - a) < m:
            if near or t >= b or t <= a: t = b - m if b - t < t - a else a + m; near = False
            else: near = True
        else: near = False
        p = at(t); n += 1
        if not enough(p) or p[1] >= low[1]: high = p
        elif abs(p[2]) <= -0.9 * s0: return p
        else:
            if p[2] * (high[0] - low[0]) >= 0: high = low
            low = p
    return low

def numpy_run(fg, x, history, iterations, lr):
    f, g = fg(x); S, Y, losses = [], [], []
    for k in range(iterations):
        losses.append(f); q = -g; A = []
        for s, y in zip(reversed(S), reversed(Y)): a = s @ q / (s @ y); q = q - a * y; A.append(a)
        if S: q = q * (S[-1] @ Y[-1]) / (Y[-1] @ Y[-1])
        for s, y, a in zip(S, Y, reversed(A)): q = q + s * (a - y @ q / (s @ y))
        t, fn, _, gn = search(fg, x, f, g, q, (min(1, 1 / np.abs(g).sum()) if k == 0 else 1) * lr)
        s, y = t * q, gn - g; x = x + s; f, g = fn, gn
        if s @ y > 1e-10: S.append(s); Y.append(y); S, Y = S[-history:], Y[-history:]
    return losses, x

def case(index, name, layers, act, loss, rows, l2, history, iterations, lr):
    rs = np.random.RandomState(8000 + index)
    P = [v for i, o in zip(layers, layers[1:]) for v in (rs.randn(o, i) / math.sqrt(i), rs.randn(o) * 0.1)]
    x = rs.randn(rows, layers[0]); y = rs.randint(0, layers[2], rows) if loss == 'crossEntropy' else np.sin(x @ rs.randn(layers[0], layers[2]))
    T = [torch.tensor(p, requires_grad=True) for p in P]; X, Y = torch.tensor(x), torch.tensor(y)
    def f():
        z = F.linear(ACT[act][0](F.linear(X, T[0], T[1])), T[2], T[3])
        return (F.cross_entropy(z, Y) if loss == 'crossEntropy' else F.mse_loss(z, Y)) + l2 / 2 * (T[0].square().sum() + T[2].square().sum())
    # One iteration a step: its state goes over to the next. Tolerances 0: it never ends by itself.
    O = torch.optim.LBFGS(T, lr=lr, max_iter=1, max_eval=1000, tolerance_grad=0, tolerance_change=0, history_size=history, line_search_fn='strong_wolfe')
    losses, evaluations = [], []
    for _ in range(iterations):
        count = [0]
        def closure(): O.zero_grad(); l = f(); l.backward(); count[0] += 1; return l
        losses.append(O.step(closure).item()); evaluations.append(count[0] - 1)
    flat = np.concatenate([p.ravel() for p in P])
    mine, end = numpy_run(lambda v: numpy_loss(layers, act, loss, l2, x, y, v), flat, history, iterations, lr)
    worst = float(np.abs(np.array(mine) - losses).max())
    print(name, 'losses', losses[0], losses[-1], 'numpy', worst, 'evaluations', sum(evaluations))
    assert worst < 1e-9, (name, worst)
    return {'id': name, 'layers': layers, 'activation': act, 'loss': loss, 'l2': l2, 'history_size': history, 'learning_rate': lr, 'x': x, 'y': y, 'initial': dict(zip(('W1', 'b1', 'W2', 'b2'), P)),
            'loss_before_iteration': losses, 'evaluations': evaluations, 'final': dict(zip(('W1', 'b1', 'W2', 'b2'), [q.detach().numpy() for q in T])), 'numpy_max_abs_diff': worst}

for n, c in enumerate(CASES):
    g = case(n, *c); dump(f"{sys.argv[1]}/lbfgs_{g['id']}.json", g)
