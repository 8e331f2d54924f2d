"""Learning-rate schedules of PyTorch 1.13 (float64), each checked against a closed form, and two warm-ups given by formula alone.
usage: schedules_goldens.py OUT_DIR"""
import sys, math
import torch
from common import *
torch.set_num_threads(1); torch.set_default_dtype(torch.float64)

def lr_run(cls, kw, n, base=0.1, mom=None, metrics=None):
    w = torch.zeros(1, requires_grad=True); w.grad = torch.zeros(1)
    o = torch.optim.SGD([w], lr=base, **({'momentum': mom} if mom is not None else {}))
    s = getattr(torch.optim.lr_scheduler, cls)(o, **kw)
    lrs, moms = [], []
    for i in range(n):
        lrs.append(o.param_groups[0]['lr']); moms.append(o.param_groups[0]['momentum'])
        o.step()
        if i < n - 1: s.step(metrics[i]) if metrics is not None else s.step()
    return lrs, moms

def schedules():
    out = []
    def add(id, cls, kw, n, base=0.1, ref=None, note='', mom=None, metrics=None):
        lrs, moms = lr_run(cls, kw, n, base, mom, metrics)
        g = {'id': id, 'schedule': cls, 'parameters': kw, 'base_lr': base, 'steps': n, 'lr_used_at_step': lrs, 'note': note}
        if mom is not None: g['momentum_used_at_step'] = moms
        if metrics is not None: g['metric_reported_after_step'] = metrics
        if ref is not None:
            w = max(abs(a - ref(t)) / max(abs(a), 1e-12) for t, a in enumerate(lrs)); g['closed_form_max_rel_diff'] = w
            assert w < 1e-9, (id, w)
        out.append(g)
    for b, ss, gm in ((0.1, 5, 0.5), (1.0, 1, 0.9)):
        add(f'step_{ss}_{gm}', 'StepLR', dict(step_size=ss, gamma=gm), 30, b, lambda t: b * gm ** (t // ss))
    add('multistep', 'MultiStepLR', dict(milestones=[4, 9, 9, 20], gamma=0.3), 30, 0.1, None, 'a milestone listed twice multiplies twice')
    for b, gm in ((0.1, 0.9), (1.0, 0.999)):
        add(f'exponential_{gm}', 'ExponentialLR', dict(gamma=gm), 30, b, lambda t: b * gm ** t)
    for b, T, e in ((0.1, 30, 0.0), (0.1, 10, 0.001)):
        add(f'cosine_T{T}', 'CosineAnnealingLR', dict(T_max=T, eta_min=e), 36 if T < 30 else T + 1, b, lambda t: e + (b - e) * (1 + math.cos(math.pi * t / T)) / 2, 'rises again after T_max (period 2*T_max); implementations that clamp at eta_min after T_max must be compared up to T_max only')
    add('cosine_restarts', 'CosineAnnealingWarmRestarts', dict(T_0=5, T_mult=2, eta_min=0.001), 36, 0.1)
    add('cosine_restarts_equal', 'CosineAnnealingWarmRestarts', dict(T_0=4, T_mult=1, eta_min=0.02), 17, 0.3)
    def onecycle(kw):
        n, mx = kw['total_steps'], kw['max_lr']; ini = mx / kw.get('div_factor', 25); fin = ini / kw.get('final_div_factor', 1e4); pc = kw.get('pct_start', 0.3)
        ann = (lambda a, b, p: b + (a - b) / 2 * (1 + math.cos(math.pi * p))) if kw.get('anneal_strategy', 'cos') == 'cos' else (lambda a, b, p: a + (b - a) * p)
        if kw.get('three_phase'): ph = [(float(pc * n) - 1, ini, mx), (float(2 * pc * n) - 2, mx, ini), (n - 1, ini, fin)]
        else: ph = [(float(pc * n) - 1, ini, mx), (n - 1, mx, fin)]
        def f(t):
            s = 0
            for e, a, b in ph:
                if t <= e or e == n - 1: return ann(a, b, (t - s) / (e - s))
                s = e
        return f
    for id, kw in (('onecycle_20', dict(max_lr=0.1, total_steps=20, cycle_momentum=False)), ('onecycle_linear_33', dict(max_lr=0.5, total_steps=33, pct_start=0.25, anneal_strategy='linear', div_factor=10, final_div_factor=100, cycle_momentum=False)),
                   ('onecycle_three_phase', dict(max_lr=0.2, total_steps=40, three_phase=True, pct_start=0.4, cycle_momentum=False)),
                   ('onecycle_three_phase_linear', dict(max_lr=0.3, total_steps=23, three_phase=True, pct_start=0.27, anneal_strategy='linear', div_factor=5, final_div_factor=50, cycle_momentum=False))):
        add(id, 'OneCycleLR', kw, kw['total_steps'], 0.1, onecycle(kw), 'base_lr is ignored: initial = max_lr/div_factor, final = initial/final_div_factor')
    add('onecycle_momentum', 'OneCycleLR', dict(max_lr=0.1, total_steps=20, base_momentum=0.85, max_momentum=0.95), 20, 0.1, None, 'momentum cycles inversely', mom=0.9)
    add('onecycle_momentum_three_phase', 'OneCycleLR', dict(max_lr=0.1, total_steps=26, three_phase=True, pct_start=0.35, anneal_strategy='linear', base_momentum=0.8, max_momentum=0.9), 26, 0.1, None, 'momentum cycles inversely', mom=0.9)
    def plateau(kw, base, ms):
        mode, fac, pat = kw.get('mode', 'min'), kw.get('factor', 0.1), kw.get('patience', 10); th, tm = kw.get('threshold', 1e-4), kw.get('threshold_mode', 'rel'); cd, mn, ep = kw.get('cooldown', 0), kw.get('min_lr', 0), kw.get('eps', 1e-8)
        best = math.inf if mode == 'min' else -math.inf; bad = cool = 0; lr = base; out = [lr]
        for m in ms:
            if tm == 'rel': thr = best * (1 - th) if mode == 'min' else best * (1 + th)
            else: thr = best - th if mode == 'min' else best + th
            if (m < thr) if mode == 'min' else (m > thr): best = m; bad = 0
            else: bad += 1
            if cool > 0: cool -= 1; bad = 0
            if bad > pat:
                new = max(lr * fac, mn)
                if lr - new > ep: lr = new
                cool = cd; bad = 0
            out.append(lr)
        return out
    dec = [1.0, 0.8, 0.7, 0.7, 0.7, 0.71, 0.69999, 0.7, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]
    up = [0.1, 0.5, 0.6, 0.6, 0.6, 0.61, 0.6, 0.6, 0.6, 0.6, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]
    for id, kw, ms in (('plateau_min', dict(factor=0.5, patience=2), dec), ('plateau_max', dict(mode='max', factor=0.1, patience=1), up), ('plateau_cooldown', dict(factor=0.5, patience=1, cooldown=3, min_lr=0.01), dec),
                       ('plateau_min_abs', dict(factor=0.3, patience=1, threshold=0.15, threshold_mode='abs'), dec), ('plateau_max_abs', dict(mode='max', factor=0.4, patience=0, threshold=0.05, threshold_mode='abs', cooldown=2, min_lr=0.005), up), ('plateau_eps', dict(factor=0.5, patience=0, eps=0.02), dec)):
        n = len(ms); r = plateau(kw, 0.1, ms)
        add(id, 'ReduceLROnPlateau', kw, n, 0.1, lambda t: r[t], 'lr_used_at_step[i+1] is the rate after metric i was reported', metrics=ms)
    # warm-ups
    for a, e, T in ((0.1, 1.0, 5), (1 / 3, 1.0, 5), (0.5, 1.0, 8)):
        add(f'linear_warmup_{T}_{a:.2g}', 'LinearLR', dict(start_factor=a, end_factor=e, total_iters=T), 20, 0.1, lambda t: 0.1 * (a + (e - a) * min(t, T) / T), 'factor goes linearly from start_factor to end_factor over total_iters steps, then stays')
    for T in (4,):
        ls = [0.1 * min(1.0, (t + 1) / T) for t in range(20)]
        out.append({'id': f'warmup_lambda_{T}', 'schedule': 'linear warm-up (t+1)/T then constant', 'parameters': {'warmup_steps': T}, 'base_lr': 0.1, 'steps': 20, 'lr_used_at_step': ls, 'note': 'closed form, torch LambdaLR agrees'})
        w = torch.zeros(1, requires_grad=True); w.grad = torch.zeros(1); o = torch.optim.SGD([w], lr=0.1); s = torch.optim.lr_scheduler.LambdaLR(o, lambda t: min(1.0, (t + 1) / T))
        for l in ls: assert abs(o.param_groups[0]['lr'] - l) < 1e-15; o.step(); s.step()
    for T, N, mn in ((5, 30, 0.0),):
        ls = [0.1 * (t + 1) / T if t < T else mn + (0.1 - mn) * 0.5 * (1 + math.cos(math.pi * (t - T) / (N - T))) for t in range(N + 1)]
        out.append({'id': f'warmup_cosine_{T}_{N}', 'schedule': 'linear warm-up (t+1)/T for t<T, then cosine from base to min over N-T steps', 'parameters': {'warmup_steps': T, 'total_steps': N, 'min_lr': mn}, 'base_lr': 0.1, 'steps': N + 1, 'lr_used_at_step': ls, 'note': 'closed form only (definition given here, not a torch class)'})
    return out

if __name__ == '__main__':
    for g in schedules(): dump(f'{sys.argv[1]}/sched_{g["id"]}.json', g, indent=1)
