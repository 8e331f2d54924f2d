"""PyTorch by hand: no autograd; bias in the product (addmm), gradient and update in one product for SGD, in-place operations."""
import torch
from torch.nn import functional

import torch_setup
import torch_eager
from common import main


def learner(net, layers):
    w = [torch.from_numpy(w.copy()) for w, _ in layers]
    b = [None if b is None else torch.from_numpy(b.copy()) for _, b in layers]
    rate, rates, kinds = net['learningRate'], net.get('dropout', [0] * len(w)), net['activations']
    parameters = [v for pair in zip(w, b) for v in pair if v is not None]
    moments = [(torch.zeros_like(v), torch.zeros_like(v)) for v in parameters] if net['optimizer'] == 'adam' else []
    state = {'t': 0}

    @torch.no_grad()
    def step(x, y):
        n = len(x)
        a, keep = [x], []
        for weight, bias, kind, drop in zip(w, b, kinds, rates):
            z = torch.mm(a[-1], weight.t()) if bias is None else torch.addmm(bias, a[-1], weight.t())
            if kind == 'relu':
                z.relu_()
            elif kind == 'sigmoid':
                z.sigmoid_()
            elif kind == 'tanh':
                z.tanh_()
            if drop:
                mask = torch.empty_like(z).bernoulli_(1 - drop).mul_(1 / (1 - drop))
                z.mul_(mask)
                keep.append(mask)
            else:
                keep.append(None)
            a.append(z)
        if net['loss'] == 'crossentropy':
            logs = functional.log_softmax(a[-1], 1)
            loss = functional.nll_loss(logs, y)
            d = logs.exp_()
            d[torch.arange(n), y] -= 1
            d.mul_(1 / n)
        else:
            d = a[-1] - y
            loss = d.square().mean()
            d.mul_(2 / d.numel())
        gradients = []
        for index in range(len(w) - 1, -1, -1):
            below = None
            if index > 0:
                below = torch.mm(d, w[index])
                if keep[index - 1] is not None:
                    below.mul_(keep[index - 1])
                value, kind = a[index], kinds[index - 1]
                if kind == 'relu':
                    below.mul_(value > 0)
                elif kind == 'sigmoid':
                    below.mul_(value * (1 - value))
                elif kind == 'tanh':
                    below.mul_(1 - value * value)
            if moments:
                if b[index] is not None:
                    gradients.append(d.sum(0))
                gradients.append(torch.mm(d.t(), a[index]))
            else:
                w[index].addmm_(d.t(), a[index], alpha=-rate)
                if b[index] is not None:
                    b[index].sub_(d.sum(0), alpha=rate)
            d = below
        if moments:
            state['t'] += 1
            correction = (1 - 0.999 ** state['t']) ** 0.5
            alpha = rate * correction / (1 - 0.9 ** state['t'])
            for value, gradient, (m, v) in zip(parameters, reversed(gradients), moments):
                m.lerp_(gradient, 0.1)
                v.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
                value.addcdiv_(m, v.sqrt().add_(1e-8 * correction), value=-alpha)
        return loss

    return step


def train(name, net, part):
    torch_eager.train(name, net, part, learner)


def prepare(layers, net):
    """Inference 'by hand' is the traced, frozen graph."""
    return torch_eager.prepare(layers, net, traced=True)


def stepper(net, x, y, layers):
    step = learner(net, layers)
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)

    def run(rows):
        rows = torch.from_numpy(rows)
        return step(tx[rows], ty[rows])

    return run


if __name__ == '__main__':
    main(train, prepare, stepper)
