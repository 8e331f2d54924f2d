"""Figures of reports from scikit-learn: weighted rows, several labels a row with and without weights.   usage: report_goldens.py OUT_DIR"""
import sys
import numpy as np, sklearn
from sklearn import metrics as M
from common import *

def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True)); return e / e.sum(1, keepdims=True)

def averages(y, p, w, labels):
    out = {}
    for avg in (None, 'micro', 'macro', 'weighted'):
        P, R, F, S = M.precision_recall_fscore_support(y, p, average=avg, zero_division=0, sample_weight=w, labels=labels)
        out['perClass' if avg is None else avg] = {'precision': P, 'recall': R, 'f1': F, **({'support': S} if avg is None else {})}
    return out

def weights(rs, n):
    w = np.round(rs.gamma(1.5, 1, n), 3); w[::11] = 0; return w

def classification(seed, n, C, digits=None):
    rs = np.random.RandomState(seed); y = np.r_[np.arange(C), rs.randint(0, C, n - C)]; p = softmax(rs.randn(n, C) + 1.1 * np.eye(C)[y]); w = weights(rs, n)
    if digits is not None: p[:, 1] = np.round(p[:, 1], digits); p[:, 0] = 1 - p[:, 1]
    found = p.argmax(1); hot = np.eye(C)[y]
    return {'id': f'classes{C}', 'task': 'classification', 'targets': y, 'outputs': p, 'sample_weight': w, 'units': C, 'accuracy': M.accuracy_score(y, found, sample_weight=w),
            'balancedAccuracy': M.balanced_accuracy_score(y, found, sample_weight=w), 'logLoss': M.log_loss(y, p, sample_weight=w), 'matthewsCorrelation': M.matthews_corrcoef(y, found, sample_weight=w),
            'rocAuc': np.mean([M.roc_auc_score(hot[:, k], p[:, k], sample_weight=w) for k in range(C)]), 'confusionMatrix': M.confusion_matrix(y, found, sample_weight=w), **averages(y, found, w, range(C))}

def multi_label(seed, n, L, weighted):
    rs = np.random.RandomState(seed); y = (rs.rand(n, L) < np.linspace(.2, .7, L)).astype(int); p = np.round(np.clip(.5 * y + .5 * rs.rand(n, L), 0, 1), 2); w = weights(rs, n) if weighted else np.ones(n)
    found = (p >= .5).astype(int); rep = np.repeat(w, L)
    return {'id': f'multi_label{"_weighted" if weighted else ""}', 'task': 'multiLabel', 'targets': y, 'outputs': p, 'sample_weight': w if weighted else None, 'labels': L,
            'binaryAccuracy': 1 - M.hamming_loss(y, found, sample_weight=w), 'subsetAccuracy': M.accuracy_score(y, found, sample_weight=w), 'logLoss': M.log_loss(y.ravel(), p.ravel(), sample_weight=rep),
            'rocAucPerLabel': [M.roc_auc_score(y[:, k], p[:, k], sample_weight=w) for k in range(L)], 'rocAuc': M.roc_auc_score(y, p, average='macro', sample_weight=w), **averages(y, found, w, None)}

def regression(seed, n, K):
    rs = np.random.RandomState(seed); y = 100 + rs.randn(n, K) * [1, 5][:K]; p = y + rs.randn(n, K); w = weights(rs, n)
    return {'id': 'regression', 'task': 'regression', 'targets': y, 'outputs': p, 'sample_weight': w, 'width': K, 'meanSquaredError': M.mean_squared_error(y, p, sample_weight=w),
            'meanAbsoluteError': M.mean_absolute_error(y, p, sample_weight=w), 'r2': M.r2_score(y, p, sample_weight=w), 'r2PerOutput': M.r2_score(y, p, sample_weight=w, multioutput='raw_values')}

if __name__ == '__main__':
    out = [classification(700, 70, 3), classification(701, 60, 2, 1), multi_label(702, 40, 4, False), multi_label(703, 40, 4, True), regression(704, 30, 2)]
    for c in out: dump(f'{sys.argv[1]}/{c["id"]}.json', c)
    print(len(out), 'reports, scikit-learn', sklearn.__version__)
