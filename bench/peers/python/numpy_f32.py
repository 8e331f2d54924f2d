"""NumPy in float32, written well: one matrix product a matrix, results in buffers that are made once, no needless copies."""
import numpy as np

from common import Clock, limits, load, main, order, report_training, weights


class Network:
    def __init__(self, net, layers, batch, dtype=np.float32):
        self.net, self.batch, self.dtype = net, batch, dtype
        # Kept as (in, out): then both a @ W and a.T @ dz write C-contiguous results.
        self.w = [np.ascontiguousarray(w.T) for w, _ in layers]
        self.b = [None if b is None else b.copy() for _, b in layers]
        new = lambda shape: np.empty(shape, dtype)
        self.x = new((batch, net['sizes'][0]))
        self.a = [new((batch, units)) for units in net['sizes'][1:]]
        self.d = [new((batch, units)) for units in net['sizes'][1:]]
        self.mask = [np.empty((batch, units), bool) for units in net['sizes'][1:]]
        self.dw = [new(w.shape) for w in self.w]
        self.db = [None if b is None else new(b.shape) for b in self.b]
        self.rates = net.get('dropout', [0] * len(self.w))
        self.keep = [new((batch, units)) if rate else None for units, rate in zip(net['sizes'][1:], self.rates)]
        self.rng = np.random.default_rng(5)
        self.rows = np.arange(batch)
        if net['optimizer'] == 'adam':
            zeros = lambda values: [None if v is None else np.zeros_like(v) for v in values]
            self.m, self.v, self.t = zeros(self.w + self.b), zeros(self.w + self.b), 0
            self.scratch = [None if v is None else np.empty_like(v) for v in self.w + self.b]

    def forward(self, x, training=True):
        n = len(x)
        for index, (w, b) in enumerate(zip(self.w, self.b)):
            z = self.a[index][:n]
            np.dot(x, w, out=z)
            if b is not None:
                z += b
            kind = self.net['activations'][index]
            if kind == 'relu':
                np.maximum(z, 0, out=z)
            elif kind == 'sigmoid':
                np.negative(z, out=z)
                np.exp(z, out=z)
                z += 1
                np.reciprocal(z, out=z)
            elif kind == 'tanh':
                np.tanh(z, out=z)
            if training and self.rates[index]:
                keep = self.keep[index][:n]
                self.rng.random(out=keep, dtype=self.dtype)
                np.greater_equal(keep, self.rates[index], out=keep)
                keep *= 1 / (1 - self.rates[index])
                z *= keep
            x = z
        return x

    def loss(self, z, y):
        """The mean loss; the gradient of the last layer's sums is left in self.d[-1]."""
        n = len(z)
        d = self.d[-1][:n]
        if self.net['loss'] == 'crossentropy':
            rows = self.rows[:n]
            np.subtract(z, z.max(axis=1, keepdims=True), out=z)
            np.exp(z, out=d)
            total = d.sum(axis=1, keepdims=True)
            value = float((np.log(total[:, 0]) - z[rows, y]).mean())
            d /= total
            d[rows, y] -= 1
            d *= 1 / n
            return value
        np.subtract(z, y, out=d)
        value = float(np.vdot(d, d)) / d.size
        d *= 2 / d.size
        return value

    def backward(self, x):
        n = len(x)
        for index in range(len(self.w) - 1, -1, -1):
            d = self.d[index][:n]
            below = self.a[index - 1][:n] if index > 0 else x
            np.dot(below.T, d, out=self.dw[index])
            if self.db[index] is not None:
                d.sum(axis=0, out=self.db[index])
            if index > 0:
                dx = self.d[index - 1][:n]
                np.dot(d, self.w[index].T, out=dx)
                kind = self.net['activations'][index - 1]
                if self.rates[index - 1]:
                    dx *= self.keep[index - 1][:n]
                if kind == 'relu':
                    dx *= np.greater(below, 0, out=self.mask[index - 1][:n])
                elif kind == 'sigmoid':
                    dx *= below * (1 - below)
                elif kind == 'tanh':
                    dx *= 1 - below * below

    def update(self):
        rate = self.net['learningRate']
        if self.net['optimizer'] == 'sgd':
            for value, gradient in zip(self.w + self.b, self.dw + self.db):
                if value is not None:
                    gradient *= rate
                    value -= gradient
            return
        self.t += 1
        correction = (1 - 0.999 ** self.t) ** 0.5
        alpha, epsilon = rate * correction / (1 - 0.9 ** self.t), 1e-8 * correction
        for value, gradient, m, v, s in zip(self.w + self.b, self.dw + self.db, self.m, self.v, self.scratch):
            if value is None:
                continue
            m *= 0.9
            np.multiply(gradient, 0.1, out=s)
            m += s
            v *= 0.999
            gradient *= gradient
            gradient *= 0.001
            v += gradient
            np.sqrt(v, out=s)
            s += epsilon
            np.divide(m, s, out=s)
            s *= alpha
            value -= s

    def step(self, x, y):
        z = self.forward(x)
        value = self.loss(z, y)
        self.backward(x)
        self.update()
        return value


def softmax(z):
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)
    return z


def epoch(network, x, y, rows, count):
    """Mean loss over the first `count` rows."""
    batch, total = network.batch, 0.0
    for at in range(0, count, batch):
        if rows is None:
            xb, yb = x[at:at + batch], y[at:at + batch]
        else:
            chosen = rows[at:min(at + batch, count)]
            xb, yb = network.x[:len(chosen)], y[chosen]
            np.take(x, chosen, axis=0, out=xb, mode='clip')
        total += network.step(xb, yb) * len(xb)
    return total / count


def train(name, net, part):
    x, y = load(net)
    orders = order(name, net)
    epochs, count = limits(net, part)
    batch = net['batch']
    epoch(Network(net, weights(name, net), batch), x, y, None if orders is None else orders[0], min(count, batch * 10))
    network = Network(net, weights(name, net), batch)
    clock = Clock()
    clock.start()
    for index in range(epochs):
        loss = epoch(network, x, y, None if orders is None else orders[index], count)
    clock.stop()
    report_training(net, clock, epochs * count, loss)


def prepare(layers, net):
    networks = {}

    def predict(x):
        network = networks.get(len(x))
        if network is None:
            network = networks[len(x)] = Network(net, layers, len(x))
        z = network.forward(x, training=False)
        return softmax(z) if net['loss'] == 'crossentropy' else z

    return predict


def stepper(net, x, y, layers):
    network = Network(net, layers, net['batch'])

    def run(rows):
        xb = network.x[:len(rows)]
        np.take(x, rows, axis=0, out=xb, mode='clip')
        return network.step(xb, y[rows])

    return run


if __name__ == '__main__':
    main(train, prepare, stepper)
