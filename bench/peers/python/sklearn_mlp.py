"""scikit-learn's MLPClassifier and MLPRegressor: float32 data, same sizes, rates and batches; their own initial weights and shuffles. No dropout there."""
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from common import Clock, limits, load, main, report_training

warnings.filterwarnings('ignore', category=ConvergenceWarning)


def build(net, epochs):
    kind = MLPClassifier if net['loss'] == 'crossentropy' else MLPRegressor
    hidden = {'sigmoid': 'logistic', 'relu': 'relu', 'tanh': 'tanh'}[net['activations'][0]]
    return kind(hidden_layer_sizes=net['sizes'][1:-1], activation=hidden, solver=net['optimizer'], alpha=0, batch_size=net['batch'], momentum=0,
                learning_rate_init=net['learningRate'], max_iter=epochs, shuffle=net['shuffle'], random_state=1, tol=0, n_iter_no_change=epochs + 1)


def train(name, net, part):
    x, y = load(net)
    if y.ndim > 1:
        y = y.ravel()
    epochs, count = limits(net, part)
    few = max(10 * net['batch'], 100) if net['batch'] < len(x) else len(x)
    build({**net, 'batch': min(net['batch'], len(x))}, 1).fit(x[:few], y[:few])
    model = build(net, epochs)
    clock = Clock()
    clock.start()
    model.fit(x[:count], y[:count])
    clock.stop()
    # MLPRegressor reports half of the mean squared error.
    factor = 1 if net['loss'] == 'crossentropy' else 2
    report_training(net, clock, epochs * count, factor * float(model.loss_))


def prepare(layers, net):
    """A model that has seen a few rows, given our weights."""
    x, y = load({**net, 'rows': 1000})
    model = build(net, 1).fit(x, y if net['loss'] == 'crossentropy' else y.ravel())
    model.coefs_ = [np.ascontiguousarray(w.T) for w, _ in layers]
    model.intercepts_ = [b for _, b in layers]
    if net['loss'] == 'crossentropy':
        return model.predict_proba
    return lambda rows: model.predict(rows).reshape(-1, 1)


if __name__ == '__main__':
    main(train, prepare)
