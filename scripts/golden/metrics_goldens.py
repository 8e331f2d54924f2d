"""Metric goldens from scikit-learn, cross-checked with plain-Python re-computations.   usage: metrics_goldens.py OUT_DIR"""
import sys, math, warnings
import numpy as np, sklearn
from sklearn import metrics as M
from common import *
warnings.filterwarnings('ignore')

def own_cm(y, p, labels):
    ix = {l: i for i, l in enumerate(labels)}; c = [[0] * len(labels) for _ in labels]
    for a, b in zip(y, p): c[ix[a]][ix[b]] += 1
    return c

def own_prf(cm, avg, zd):
    n = len(cm); tp = [cm[i][i] for i in range(n)]; fp = [sum(cm[r][i] for r in range(n)) - tp[i] for i in range(n)]; fn = [sum(cm[i]) - tp[i] for i in range(n)]
    sup = [sum(cm[i]) for i in range(n)]
    d = lambda a, b: a / b if b else zd
    if avg == 'micro':
        t, f, g = sum(tp), sum(fp), sum(fn); p, r = d(t, t + f), d(t, t + g)
        return p, r, d(2 * t, 2 * t + f + g)
    P = [d(t, t + f) for t, f in zip(tp, fp)]; R = [d(t, t + f) for t, f in zip(tp, fn)]
    # scikit-learn 1.2: F is computed from P and R; 0 when P+R is 0, zero_division when the class has neither support nor predictions
    Fs = [zd if (sup[i] == 0 and tp[i] + fp[i] == 0) else (2 * P[i] * R[i] / (P[i] + R[i]) if P[i] + R[i] else 0.0) for i in range(n)]
    if avg is None: return P, R, Fs
    w = [1] * n if avg == 'macro' else sup
    if sum(w) == 0: return (zd,) * 3
    a = lambda v: sum(x * y for x, y in zip(v, w)) / sum(w)
    return a(P), a(R), a(Fs)

def own_auc(y, s):
    pos = [v for v, t in zip(s, y) if t]; neg = [v for v, t in zip(s, y) if not t]
    return sum(1.0 if p > q else 0.5 if p == q else 0.0 for p in pos for q in neg) / (len(pos) * len(neg))

def classify(id, y, p, labels, note=''):
    y, p, labels = list(map(int, y)), list(map(int, p)), list(map(int, labels))
    c = {'id': id, 'kind': 'classification', 'note': note, 'y_true': y, 'y_pred': p, 'labels': labels}
    c['accuracy'] = M.accuracy_score(y, p); assert abs(c['accuracy'] - sum(a == b for a, b in zip(y, p)) / len(y)) < 1e-15
    c['balanced_accuracy'] = M.balanced_accuracy_score(y, p)
    cm = M.confusion_matrix(y, p, labels=labels); c['confusion_matrix_rows_true_cols_pred'] = cm.tolist(); assert cm.tolist() == own_cm(y, p, labels)
    c['cohen_kappa'] = M.cohen_kappa_score(y, p, labels=labels) ; c['matthews_corrcoef'] = M.matthews_corrcoef(y, p)
    for zd in (0, 1):
        r = {}
        for avg in (None, 'micro', 'macro', 'weighted'):
            P, R, F, S = M.precision_recall_fscore_support(y, p, labels=labels, average=avg, zero_division=zd)
            r['per_class' if avg is None else avg] = {'precision': P, 'recall': R, 'f1': F, **({'support': S} if avg is None else {})}
            o = own_prf(cm.tolist(), avg, float(zd))
            for a, b, nm in zip(o, (P, R, F), 'PRF'):
                if not np.allclose(a, b, rtol=1e-13, atol=1e-15): c.setdefault('own_formula_differs', []).append([zd, avg, nm, np.asarray(a).tolist(), np.asarray(b).tolist()])
        c[f'precision_recall_f1_zero_division_{zd}'] = r
    return c

def probs(id, y, S, k_list, note=''):
    """scores are probabilities [n][C] summing to 1"""
    S = np.asarray(S, float); y = np.asarray(y, int); C = S.shape[1]
    c = {'id': id, 'kind': 'probabilities', 'note': note, 'y_true': y, 'scores': S, 'labels': list(range(C))}
    c['argmax_accuracy'] = float((S.argmax(1) == y).mean())
    c['log_loss'] = M.log_loss(y, S, labels=list(range(C)))
    c['log_loss_unclipped'] = float(-np.log(S[np.arange(len(y)), y]).mean()) if (S[np.arange(len(y)), y] > 0).all() else 'inf'
    c['log_loss_eps_1e-15'] = M.log_loss(y, S, eps=1e-15, labels=list(range(C))); c['log_loss_eps_1e-7'] = M.log_loss(y, S, eps=1e-7, labels=list(range(C)))
    c['log_loss_sum'] = M.log_loss(y, S, labels=list(range(C)), normalize=False)
    if C > 2:
        c['top_k_accuracy'] = {}
        for k in k_list:
            c['top_k_accuracy'][k] = M.top_k_accuracy_score(y, S, k=k, labels=list(range(C)))
        c['top_k_tie_rule'] = 'scikit-learn: stable ascending argsort reversed, so among equal scores the HIGHER class index ranks first'
        c['top_k_accuracy_lower_index_first'] = {k: float(np.mean([t in np.argsort(-r, kind='stable')[:k] for t, r in zip(y, S)])) for k in k_list}
    per = []
    for j in range(C):
        t = (y == j).astype(int); a = None if t.min() == t.max() else float(M.roc_auc_score(t, S[:, j]))
        if a is not None: assert abs(a - own_auc(t, S[:, j])) < 1e-12
        per.append(a)
    c['roc_auc_one_vs_rest_per_class'] = per
    if C == 2: c['roc_auc_binary'] = per[1]
    elif all(a is not None for a in per):
        c['roc_auc_ovr_macro'] = M.roc_auc_score(y, S, multi_class='ovr'); c['roc_auc_ovr_weighted'] = M.roc_auc_score(y, S, multi_class='ovr', average='weighted')
        c['roc_auc_ovo_macro'] = M.roc_auc_score(y, S, multi_class='ovo'); assert abs(c['roc_auc_ovr_macro'] - np.mean(per)) < 1e-12
    else: c['roc_auc_ovr_macro'] = 'undefined: a class never (or always) occurs; scikit-learn raises ValueError'
    return c

def auc(id, y, s, note=''):
    y = list(map(int, y)); s = list(map(float, s)); c = {'id': id, 'kind': 'binary_scores', 'note': note, 'y_true': y, 'scores': s}
    if len(set(y)) < 2: c['roc_auc'] = 'undefined: only one class present; scikit-learn raises ValueError'; return c
    c['roc_auc'] = M.roc_auc_score(y, s); assert abs(c['roc_auc'] - own_auc(y, s)) < 1e-12
    f, t, th = M.roc_curve(y, s, drop_intermediate=False); c['roc_curve_all_points'] = {'fpr': f, 'tpr': t, 'thresholds': th}
    c['average_precision'] = M.average_precision_score(y, s)
    return c

def regress(id, y, p, note=''):
    y, p = np.asarray(y, float), np.asarray(p, float); c = {'id': id, 'kind': 'regression', 'note': note, 'y_true': y, 'y_pred': p}
    c['mse'] = M.mean_squared_error(y, p); c['rmse'] = math.sqrt(c['mse']) if y.ndim == 1 else None; c['mae'] = M.mean_absolute_error(y, p); c['max_error'] = M.max_error(y, p) if y.ndim == 1 else None
    c['r2'] = M.r2_score(y, p) if len(y) > 1 else 'nan'; c['explained_variance'] = M.explained_variance_score(y, p); c['median_absolute_error'] = M.median_absolute_error(y, p)
    if y.ndim == 2: c['r2_raw_per_output'] = M.r2_score(y, p, multioutput='raw_values'); c['mse_raw_per_output'] = M.mean_squared_error(y, p, multioutput='raw_values'); c['r2_rule'] = 'uniform average over outputs'
    if y.ndim == 1 and len(y) > 1:
        ss = float(((y - y.mean()) ** 2).sum()); r = float(((y - p) ** 2).sum())
        own = 1 - r / ss if ss else (1.0 if r == 0 else 0.0)
        assert abs(own - c['r2']) < 1e-9 * max(1, abs(own)), id
    assert abs(c['mse'] - np.mean((y - p) ** 2)) < 1e-12 * max(1, c['mse'])
    return c

def sm(z): e = np.exp(z - z.max(1, keepdims=True)); return e / e.sum(1, keepdims=True)

if __name__ == '__main__':
    o = sys.argv[1]; out = []
    for k, n, C in [(1, 200, 10), (2, 1, 2), (4, 64, 5), (5, 100, 10), (7, 500, 26)]:
        rs = np.random.RandomState(300 + k); y = rs.randint(0, C, n); p = np.where(rs.rand(n) < 0.7, y, rs.randint(0, C, n)); out.append(classify(f'cls_random{k}', y, p, range(C)))
    out += [classify('cls_perfect', [0, 1, 2, 2], [0, 1, 2, 2], range(3)), classify('cls_all_wrong', [0, 1, 2], [1, 2, 0], range(3)),
            classify('cls_single_class', [1, 1, 1], [1, 1, 1], range(2), 'only class 1 occurs and is predicted; class 0 has no support and no predictions'),
            classify('cls_never_predicted', [0, 0, 1, 1, 2], [0, 0, 1, 0, 1], range(3), 'class 2 is never predicted: precision 0/0'),
            classify('cls_no_support', [0, 0, 1, 1], [0, 2, 1, 2], range(3), 'class 2 is predicted but never true: recall 0/0'),
            classify('cls_absent_class', [0, 1, 0, 1], [0, 1, 1, 1], range(4), 'classes 2 and 3 neither true nor predicted'),
            classify('cls_one_sample_wrong', [3], [4], range(10))]
    for k, n, C in [(1, 120, 10), (2, 60, 2), (4, 25, 4), (5, 80, 10)]:
        rs = np.random.RandomState(400 + k); y = np.concatenate([np.arange(C), rs.randint(0, C, n - C)]); z = rs.randn(n, C); z[np.arange(n), y] += 1.2
        out.append(probs(f'prob_random{k}', y, sm(z), [1, 2] if C <= 3 else [1, 2, 3, 5][:C - 1]))
    out.append(probs('prob_uniform', [0, 1, 2, 3], np.full((4, 4), 0.25), [1, 2, 3], 'all scores equal'))
    out.append(probs('prob_zero_and_one', [0, 1, 2, 2], [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0.0]], [1, 2], 'a true class with probability exactly 0: clipped by scikit-learn (eps = machine epsilon by default)'))
    out.append(probs('prob_missing_class', [0, 1, 0, 1], [[.6, .3, .1], [.2, .7, .1], [.5, .25, .25], [.4, .35, .25]], [1, 2], 'class 2 never occurs'))
    out.append(probs('prob_binary_ties', [0, 1, 0, 1, 1, 0], [[.5, .5], [.5, .5], [.9, .1], [.2, .8], [.1, .9], [.2, .8]], [1]))
    rs = np.random.RandomState(460)
    rs.randint(0, 2, 100); rs.randn(100)  # the draws of a case that is not kept here
    out += [auc('auc_ties', rs.randint(0, 2, 60), np.round(rs.rand(60), 1), 'scores rounded to one decimal'), auc('auc_perfect', [0, 0, 1, 1], [.1, .2, .3, .4]), auc('auc_inverted', [1, 1, 0, 0], [.1, .2, .3, .4]),
            auc('auc_all_equal', [0, 1, 0, 1, 1], [.5] * 5, '0.5 by ties'), auc('auc_one_class', [1, 1, 1], [.1, .2, .3]), auc('auc_two_samples', [0, 1], [0.3, 0.3])]
    for k, n in [(0, 2), (2, 100), (3, 1000)]:
        rs = np.random.RandomState(500 + k); y = rs.randn(n) * 3 + 1; out.append(regress(f'reg_random{k}', y, y + rs.randn(n)))
    rs = np.random.RandomState(510); Y = rs.randn(20, 3)
    out += [regress('reg_perfect', [1, 2, 3], [1, 2, 3]), regress('reg_constant_target_exact', [2, 2, 2], [2, 2, 2], 'zero variance, zero error: R2 = 1 by scikit-learn convention'), regress('reg_constant_target_missed', [2, 2, 2], [1, 2, 3], 'zero variance, non-zero error: R2 = 0'),
            regress('reg_mean_prediction', [1, 2, 3, 4], [2.5] * 4, 'R2 = 0'), regress('reg_multi_output', Y, Y + 0.3 * rs.randn(20, 3), 'metrics averaged over outputs')]
    for c in out:
        dump(f'{o}/{c["id"]}.json', c)
        if 'own_formula_differs' in c: print('differs', c['id'], c['own_formula_differs'][:2])
    print(len(out), 'metric cases, scikit-learn', sklearn.__version__)
