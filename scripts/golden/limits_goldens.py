"""A small classifier trained with penalties, clipped gradients and constrained weights: PyTorch's autograd, its clip_grad_norm_ and
clip_grad_value_, and Keras' constraints written down (keras/constraints: MaxNorm, NonNeg, UnitNorm, epsilon 1e-7), float64. Checked against
a second computation in NumPy.   usage: limits_goldens.py OUT_DIR"""
import math, sys
import numpy as np, torch, torch.nn.functional as F
import optim_goldens as optim, nadam_goldens
from common import dump
torch.set_num_threads(1); torch.set_default_dtype(torch.float64)

# l1 and l2 per weight: l1*sum|w| + l2/2*sum w^2 join the loss; constraint per array: None, 'nonNegative', 'unitNorm' or a number, the largest norm
CFG = [
 ('global_l1l2', 'SGD', dict(lr=0.1, momentum=0.9), dict(l1=(0.01, 0.003), l2=(0.02, 0.0), clip=('globalClipnorm', 0.5, 2))),
 ('each_maxnorm', 'Adam', dict(lr=0.05), dict(clip=('clipnorm', 0.1, 2), constraint=(1.0, None, 0.5, None))),
 ('value_nonnegative', 'SGD', dict(lr=0.1, weight_decay=0.05), dict(l2=(0.1, 0.1), clip=('clipvalue', 0.05, 2), constraint=('nonNegative', 'nonNegative', None, None))),
 ('global1_unitnorm_nadam', 'NAdam', dict(lr=0.02), dict(l1=(0.001, 0.001), clip=('globalClipnorm', 0.2, 1), constraint=('unitNorm', None, None, 'nonNegative'))),
 ('each_inf_adagrad', 'Adagrad', dict(lr=0.1), dict(clip=('clipnorm', 0.05, 'inf'), constraint=(None, None, 'nonNegative', None))),
 ('penalties_alone', 'RMSprop', dict(lr=0.01), dict(l1=(0.02, 0.0), l2=(0.0, 0.05), constraint=('unitNorm', None, 2.0, None))),
 ('decay_stays_whole', 'AdamW', dict(lr=0.02, weight_decay=0.3), dict(clip=('globalClipnorm', 0.01, 2))),
]
NAMES = ('W1', 'b1', 'W2', 'b2')

def constrained(p, c, lib):
    if c is None: return p
    if c == 'nonNegative': return p * (p >= 0)
    n = lib.sqrt((p * p).sum(1)).reshape(-1, 1)
    return p / (1e-7 + n) if c == 'unitNorm' else p * ((n.clip(0, c) if lib is np else torch.clamp(n, 0, c)) / (1e-7 + n))

def clip_torch(T, clip):
    if clip is None: return
    how, limit, kind = clip; kind = math.inf if kind == 'inf' else kind
    if how == 'clipvalue': torch.nn.utils.clip_grad_value_(T, limit)
    elif how == 'globalClipnorm': torch.nn.utils.clip_grad_norm_(T, limit, kind)
    else:
        for t in T: torch.nn.utils.clip_grad_norm_([t], limit, kind)

def clip_numpy(G, clip):
    if clip is None: return G
    how, limit, kind = clip
    if how == 'clipvalue': return [np.clip(g, -limit, limit) for g in G]
    norm = lambda v: np.abs(v).max() if kind == 'inf' else (np.abs(v) ** kind).sum() ** (1 / kind)
    factor = lambda v: min(1.0, limit / (norm(v) + 1e-6))
    if how == 'globalClipnorm': return [g * factor(np.concatenate([h.ravel() for h in G])) for g in G]
    return [g * factor(g) for g in G]

def run(index, name, kind, kw, limits):
    rs = np.random.RandomState(7000 + index)
    L = [4, 6, 3]; P = [v for i, o in zip(L, L[1:]) for v in (rs.randn(o, i) * math.sqrt(2 / i), rs.randn(o) * 0.1)]
    P[0][1, 2] = 0.0  # the slope of |w| at 0 is 0
    x = rs.randn(16, 4); y = rs.randint(0, 3, 16); k = dict(optim.DEF[kind], **kw)
    l1, l2 = limits.get('l1', (0, 0)), limits.get('l2', (0, 0)); clip, cons = limits.get('clip'), limits.get('constraint', (None,) * 4)
    G = {'id': f'limits_{name}', 'optimizer': kind, 'hyperparameters': k, 'l1': list(l1), 'l2': list(l2), 'clip': clip, 'constraint': list(cons), 'layers': L, 'activation': 'relu',
         'loss': 'mean softmax cross-entropy + sum of l1*|W| + l2/2*W^2', 'x': x, 'y': y, 'initial': dict(zip(NAMES, [p.copy() for p in P])), 'loss_before_step': [], 'params_after_step': {}}
    T = [torch.tensor(p, requires_grad=True) for p in P]; O = getattr(torch.optim, kind)(T, **kw); X, Y = torch.tensor(x), torch.tensor(y)
    Q = [p.copy() for p in P]; S = [{} for _ in Q]; worst = 0.0
    for t in range(1, 21):
        O.zero_grad()
        loss = F.cross_entropy(F.linear(F.relu(F.linear(X, T[0], T[1])), T[2], T[3]), Y)
        for w, a, b in ((T[0], l1[0], l2[0]), (T[2], l1[1], l2[1])): loss = loss + a * w.abs().sum() + b / 2 * (w * w).sum()
        loss.backward(); G['loss_before_step'].append(loss.item()); clip_torch(T, clip); O.step()
        with torch.no_grad():
            for p, c in zip(T, cons): p.copy_(constrained(p, c, torch))
        if t in (1, 2, 5, 20): G['params_after_step'][t] = dict(zip(NAMES, [q.detach().numpy().copy() for q in T]))
        z = x @ Q[0].T + Q[1]; a = np.maximum(z, 0); o = a @ Q[2].T + Q[3]; e = np.exp(o - o.max(1, keepdims=True)); d = e / e.sum(1, keepdims=True)
        d[np.arange(16), y] -= 1; d /= 16; d1 = (d @ Q[2]) * (z > 0)
        g = [d1.T @ x + l1[0] * np.sign(Q[0]) + l2[0] * Q[0], d1.sum(0), d.T @ a + l1[1] * np.sign(Q[2]) + l2[1] * Q[2], d.sum(0)]
        Q = [constrained(optim.np_step(kind, k, s, q, h, t), c, np) for s, q, h, c in zip(S, Q, clip_numpy(g, clip), cons)]
        worst = max(worst, max(np.abs(q - t.detach().numpy()).max() for q, t in zip(Q, T)))
    assert worst < 1e-11, (name, worst)
    G['numpy_max_abs_diff'] = float(worst)
    return G

if __name__ == '__main__':
    for i, c in enumerate(CFG): dump(f'{sys.argv[1]}/limits_{c[0]}.json', run(i, *c))
