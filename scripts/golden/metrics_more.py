"""Further metric goldens from scikit-learn: average precision of several classes, Brier score, calibration curve, rows of several labels, residual
quantiles.   usage: metrics_more.py OUT_DIR"""
import sys
import numpy as np, sklearn
from sklearn import metrics as M
from sklearn.calibration import calibration_curve
from common import *

def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True)); return e / e.sum(1, keepdims=True)

def ece(y, p, bins):
    """Second computation of what calibration_curve's bins give, with counts."""
    which = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p)
    return sum(abs(y[which == b].sum() - p[which == b].sum()) for b in range(bins)) / len(y)

def classes(seed, n, C):
    rs = np.random.RandomState(seed); y = np.r_[np.arange(C), rs.randint(0, C, n - C)]; S = softmax(rs.randn(n, C) + 1.2 * np.eye(C)[y])
    hot = np.eye(C)[y]
    ap = [M.average_precision_score(hot[:, k], S[:, k]) for k in range(C)]
    return {'id': f'more_classes{C}', 'kind': 'more_classes', 'note': 'one class against the rest', 'y_true': y, 'scores': S, 'labels': list(range(C)),
            'average_precision_macro': M.average_precision_score(hot, S, average='macro'), 'average_precision_weighted': M.average_precision_score(hot, S, average='weighted'),
            'brier_multiclass': ((S - hot) ** 2).sum(1).mean(), 'ece_confidence_10': ece((S.argmax(1) == y).astype(float), S.max(1), 10)}

def binary(seed, n, digits=None):
    rs = np.random.RandomState(seed); y = rs.randint(0, 2, n); p = 1 / (1 + np.exp(-(rs.randn(n) * 1.5 + 1.5 * (y - .5))))
    if digits is not None: p = np.round(p, digits)
    c = {'id': f'more_binary{"" if digits is None else "_rounded"}', 'kind': 'more_binary', 'note': '' if digits is None else 'many probabilities on the edges of bins', 'y_true': y, 'scores': p,
         'brier': M.brier_score_loss(y, p), 'log_loss': M.log_loss(y, p), 'average_precision': M.average_precision_score(y, p)}
    for bins in (5, 10):
        f, m = calibration_curve(y, p, n_bins=bins)
        c[f'calibration_curve_{bins}'] = {'frequency': f, 'confidence': m}
        c[f'ece_{bins}'] = ece(y, p, bins)
    return c

def multi_label(seed, n, L):
    rs = np.random.RandomState(seed); y = (rs.rand(n, L) < np.linspace(.1, .7, L)).astype(int); s = np.clip(.6 * y + .5 * rs.rand(n, L), 0, 1); p = (s >= .5).astype(int)
    y[:, 0] = 0
    c = {'id': 'more_multi_label', 'kind': 'more_multi_label', 'note': 'label 0 never occurs', 'y_true': y, 'scores': s, 'subset_accuracy': M.accuracy_score(y, p), 'element_accuracy': (y == p).mean()}
    for zd in (0, 1):
        r = {}
        for avg in (None, 'micro', 'macro', 'weighted'):
            P, R, F, S = M.precision_recall_fscore_support(y, p, average=avg, zero_division=zd)
            r['per_class' if avg is None else avg] = {'precision': P, 'recall': R, 'f1': F, **({'support': S} if avg is None else {})}
        c[f'precision_recall_f1_zero_division_{zd}'] = r
    return c

def residuals(seed, n):
    rs = np.random.RandomState(seed); y = rs.randn(n) * 3; p = y + rs.standard_t(3, n); q = [0, .05, .25, .5, .75, .95, 1]
    return {'id': 'more_residuals', 'kind': 'more_residuals', 'note': 'NumPy, linear interpolation', 'y_true': y, 'y_pred': p, 'quantiles': {'q': q, 'values': np.quantile(y - p, q)}}

if __name__ == '__main__':
    out = [classes(600, 80, 4), classes(601, 60, 3), binary(610, 200), binary(611, 200, 1), multi_label(620, 60, 4), residuals(630, 53)]
    for c in out: dump(f'{sys.argv[1]}/{c["id"]}.json', c)
    print(len(out), 'metric cases, scikit-learn', sklearn.__version__)
