"""NumPy the way introductions to neural networks write it: float64, a new array for every intermediate result.

W1: samples in columns, one-hot targets made in every iteration, functions for forward, backward and update.
W2: a class a layer with weights (in, out); each layer updates itself on the way back.
W3: two weight matrices and a loop.
"""
import numpy as np

from common import NETWORKS, Clock, limits, load, main, order, report_training, weights


def relu(z):
    return np.maximum(z, 0)


def softmax_columns(z):
    # Python's sum adds the rows one after another, as those texts do.
    return np.exp(z) / sum(np.exp(z))


def one_hot(y):
    encoded = np.zeros((y.size, y.max() + 1))
    encoded[np.arange(y.size), y] = 1
    return encoded.T


def full_batch(net, part):
    x, y = load(net, np.float64)
    X, Y = np.ascontiguousarray(x.T), y
    (W1, b1), (W2, b2) = [(w, b[:, None]) for w, b in weights('W1', net, np.float64)]
    m, alpha = Y.size, net['learningRate']
    epochs, _ = limits(net, part)

    def forward(W1, b1, W2, b2):
        Z1 = W1.dot(X) + b1
        A1 = relu(Z1)
        Z2 = W2.dot(A1) + b2
        return Z1, A1, Z2, softmax_columns(Z2)

    def backward(Z1, A1, A2, W2):
        dZ2 = A2 - one_hot(Y)
        dW2 = 1 / m * dZ2.dot(A1.T)
        db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
        dZ1 = W2.T.dot(dZ2) * (Z1 > 0)
        dW1 = 1 / m * dZ1.dot(X.T)
        db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
        return dW1, db1, dW2, db2

    forward(W1, b1, W2, b2)
    clock = Clock()
    clock.start()
    for _ in range(epochs):
        Z1, A1, Z2, A2 = forward(W1, b1, W2, b2)
        dW1, db1, dW2, db2 = backward(Z1, A1, A2, W2)
        W1 = W1 - alpha * dW1
        b1 = b1 - alpha * db1
        W2 = W2 - alpha * dW2
        b2 = b2 - alpha * db2
    clock.stop()
    # Those texts print an accuracy now and then, no loss: this one is taken after the clock.
    loss = float(-np.log(A2[Y, np.arange(m)]).mean())
    report_training(net, clock, epochs * m, loss)


class Dense:
    def __init__(self, weight, bias, rate):
        self.weights, self.biases, self.rate = weight.T.copy(), bias.copy(), rate

    def forward(self, x):
        return np.dot(x, self.weights) + self.biases

    def backward(self, x, gradient):
        below = np.dot(gradient, self.weights.T)
        self.weights = self.weights - self.rate * np.dot(x.T, gradient)
        self.biases = self.biases - self.rate * gradient.mean(axis=0) * x.shape[0]
        return below


class ReLU:
    def forward(self, x):
        return np.maximum(0, x)

    def backward(self, x, gradient):
        return gradient * (x > 0)


def crossentropy(logits, y):
    return -logits[np.arange(len(logits)), y] + np.log(np.sum(np.exp(logits), axis=-1))


def crossentropy_gradient(logits, y):
    ones = np.zeros_like(logits)
    ones[np.arange(len(logits)), y] = 1
    softmax = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return (softmax - ones) / logits.shape[0]


def train_batch(network, x, y):
    activations = []
    value = x
    for layer in network:
        value = layer.forward(value)
        activations.append(value)
    inputs = [x] + activations
    logits = activations[-1]
    loss = crossentropy(logits, y)
    gradient = crossentropy_gradient(logits, y)
    for index in reversed(range(len(network))):
        gradient = network[index].backward(inputs[index], gradient)
    return np.mean(loss)


def mini_batches(net, part):
    x, y = load(net, np.float64)
    rows = order('W2', net)[0]
    _, count = limits(net, part)

    def build():
        network = []
        for w, b in weights('W2', net, np.float64):
            network += [Dense(w, b, net['learningRate']), ReLU()]
        return network[:-1]

    def run(network, count):
        total = 0.0
        for at in range(0, count, net['batch']):
            chosen = rows[at:min(at + net['batch'], count)]
            total += train_batch(network, x[chosen], y[chosen]) * len(chosen)
        return total / count

    run(build(), 640)
    network = build()
    clock = Clock()
    clock.start()
    loss = run(network, count)
    clock.stop()
    report_training(net, clock, count, float(loss))


def xor(net, part):
    X, y = load(net, np.float64)
    epochs, _ = limits(net, part)
    rate = net['learningRate'] / 2

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def run(epochs):
        w_hidden, w_output = [w.T.copy() for w, _ in weights('W3', net, np.float64)]
        for _ in range(epochs):
            hidden = sigmoid(np.dot(X, w_hidden))
            output = np.dot(hidden, w_output)
            error = y - output
            output_step = rate * error
            hidden_step = np.dot(output_step, w_output.T) * (hidden * (1 - hidden))
            w_output += np.dot(hidden.T, output_step)
            w_hidden += np.dot(X.T, hidden_step)
        return float((error ** 2).mean())

    run(100)
    clock = Clock()
    clock.start()
    loss = run(epochs)
    clock.stop()
    report_training(net, clock, epochs * 4, loss)


def train(name, net, part):
    {'W1': full_batch, 'W2': mini_batches, 'W3': xor}[name](net, part)


if __name__ == '__main__':
    main(train)
