"""Trajectories of PyTorch's NAdam like those of optim_goldens.py, float64, checked against own NumPy formulas.   usage: nadam_goldens.py OUT_DIR"""
import inspect, sys
import numpy as np, torch
import torch.optim.nadam as nadam
import optim_goldens as optim
from common import dump

# PyTorch 1.13 multiplies mu into the next product twice; its own documentation, the paper and PyTorch 2 do so once.
slip = 'mu_product * mu * mu_next'
source = inspect.getsource(nadam._single_tensor_nadam)
if slip in source: exec(source.replace(slip, 'mu_product * mu_next'), nadam.__dict__)

class DecoupledNAdam(torch.optim.NAdam):
    """PyTorch 1.13 has no decoupled_weight_decay; in PyTorch 2 it is p *= 1 - lr*wd before the step (torch/optim/nadam.py)."""
    def __init__(self, params, decay=0.0, **kw):
        super().__init__(params, **kw); self.decay = decay
    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group['params']: p.mul_(1 - group['lr'] * self.decay)
        super().step()
torch.optim.NAdamW = DecoupledNAdam

CFG = [('nadam_a', 'NAdam', dict(lr=0.002)), ('nadam_b', 'NAdam', dict(lr=0.05, betas=(0.8, 0.95), eps=1e-6, momentum_decay=0.2)), ('nadam_l2', 'NAdam', dict(lr=0.01, weight_decay=0.1)),
       ('nadam_constant_momentum', 'NAdam', dict(lr=0.02, momentum_decay=0.0)), ('nadam_decoupled', 'NAdamW', dict(lr=0.02, decay=0.2))]
optim.DEF['NAdam'] = dict(betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3)
optim.DEF['NAdamW'] = dict(optim.DEF['NAdam'], decay=0.01)

others = optim.np_step
def np_step(kind, k, st, p, g, t, lr=None):
    """T. Dozat 2016 with PyTorch's schedule of momenta"""
    if kind not in ('NAdam', 'NAdamW'): return others(kind, k, st, p, g, t, lr)
    (b1, b2), lr = k['betas'], k['lr']
    if kind == 'NAdamW': p = p * (1 - lr * k['decay'])
    g = g + k['weight_decay'] * p
    mu = lambda t: b1 * (1 - 0.5 * 0.96 ** (t * k['momentum_decay']))
    product = float(np.prod([mu(i) for i in range(1, t + 1)]))
    st['m'] = b1 * st.get('m', 0) + (1 - b1) * g; st['v'] = b2 * st.get('v', 0) + (1 - b2) * g * g
    d = np.sqrt(st['v'] / (1 - b2 ** t)) + k['eps']
    return p - lr * (1 - mu(t)) / (1 - product) * g / d - lr * mu(t + 1) / (1 - product * mu(t + 1)) * st['m'] / d
optim.np_step = np_step

if __name__ == '__main__':
    for i, (name, kind, kw) in enumerate(CFG): dump(f'{sys.argv[1]}/optim_{name}.json', optim.traj(100 + i, name, kind, kw))
