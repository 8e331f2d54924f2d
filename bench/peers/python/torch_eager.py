"""PyTorch as its tutorials write it: nn.Sequential, a loss module, torch.optim, autograd. Batches are rows chosen by index (no DataLoader,
which would cost more than the network)."""
import torch
from torch import nn

import torch_setup
from common import Clock, limits, load, main, order, report_training, weights

ACTIVATIONS = {'relu': nn.ReLU, 'sigmoid': nn.Sigmoid, 'tanh': nn.Tanh}


def build(net, layers):
    parts = []
    rates = net.get('dropout', [0] * len(layers))
    for (w, b), kind, rate in zip(layers, net['activations'], rates):
        linear = nn.Linear(w.shape[1], w.shape[0], bias=b is not None)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(w))
            if b is not None:
                linear.bias.copy_(torch.from_numpy(b))
        parts.append(linear)
        if kind in ACTIVATIONS:
            parts.append(ACTIVATIONS[kind]())
        if rate:
            parts.append(nn.Dropout(rate))
    return nn.Sequential(*parts)


def learner(net, layers):
    model = build(net, layers)
    loss_of = nn.CrossEntropyLoss() if net['loss'] == 'crossentropy' else nn.MSELoss()
    rate = net['learningRate']
    optimizer = torch.optim.SGD(model.parameters(), lr=rate) if net['optimizer'] == 'sgd' else torch.optim.Adam(model.parameters(), lr=rate)

    def step(x, y):
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def epoch(net, step, x, y, rows, count):
    total = torch.zeros(())
    for at in range(0, count, net['batch']):
        if rows is None:
            xb, yb = x[at:at + net['batch']], y[at:at + net['batch']]
        else:
            chosen = rows[at:min(at + net['batch'], count)]
            xb, yb = x[chosen], y[chosen]
        total += step(xb, yb) * len(xb)
    return float(total) / count


def train(name, net, part, learner=learner):
    x, y = (torch.from_numpy(v) for v in load(net))
    orders = order(name, net)
    rows = None if orders is None else torch.from_numpy(orders)
    epochs, count = limits(net, part)
    epoch(net, learner(net, weights(name, net)), x, y, None if rows is None else rows[0], min(count, net['batch'] * 10))
    step = learner(net, weights(name, net))
    clock = Clock()
    clock.start()
    for index in range(epochs):
        loss = epoch(net, step, x, y, None if rows is None else rows[index], count)
    clock.stop()
    report_training(net, clock, epochs * count, loss)


def prepare(layers, net, traced=False):
    model = build(net, layers)
    if net['loss'] == 'crossentropy':
        model = nn.Sequential(model, nn.Softmax(1))
    model.eval()
    compiled = {}

    def predict(x):
        with torch.inference_mode():
            x = torch.from_numpy(x)
            if not traced:
                return model(x).numpy()
            run = compiled.get(len(x))
            if run is None:
                run = compiled[len(x)] = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, x)))
            return run(x).numpy()

    return predict


def stepper(net, x, y, layers):
    step = learner(net, layers)
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)

    def run(rows):
        rows = torch.from_numpy(rows)
        return step(tx[rows], ty[rows])

    return run


if __name__ == '__main__':
    main(train, prepare, stepper)
