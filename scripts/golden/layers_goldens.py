"""Normalizations and prelu in PyTorch, double precision: outputs, loss, gradients, moving statistics and predictions along three steps of SGD with momentum.
Beside them normal numbers by counter, with Python's integers and mathematical functions.
Usage: python3 layers_goldens.py OUT_LAYERS OUT_NOISE"""
import math, os, sys
import numpy as np
import torch
from common import dump

out = sys.argv[1]
torch.set_default_dtype(torch.float64)

def build(kinds, sizes):
    """kinds: for each dense layer what follows it, for example 'batch', 'layer', 'prelu', 'tanh'. The part of what a layer of ours has is kept in order."""
    modules, inputs = [], sizes[0]
    for units, after in zip(sizes[1:], kinds[1:]):
        modules.append(torch.nn.Linear(inputs, units))
        inputs = units
        modules += [follow(kind, units) for kind in after]
    return torch.nn.Sequential(*[follow(kind, sizes[0]) for kind in kinds[0]], *modules)

def follow(kind, units):
    if kind == 'batch': return torch.nn.BatchNorm1d(units, eps=1e-5, momentum=0.1)
    if kind == 'batch plain': return torch.nn.BatchNorm1d(units, eps=1e-3, momentum=0.25, affine=False)
    if kind == 'layer': return torch.nn.LayerNorm(units, eps=1e-5)
    if kind == 'layer plain': return torch.nn.LayerNorm(units, eps=1e-3, elementwise_affine=False)
    if kind == 'prelu': return torch.nn.PReLU(units, init=0.25)
    if kind == 'threshold': return torch.nn.Threshold(0.25, 0)
    return {'tanh': torch.nn.Tanh, 'relu': torch.nn.ReLU, 'sigmoid': torch.nn.Sigmoid}[kind]()

cases = {
    'batch_relu': ([[], ['batch', 'relu'], ['batch', 'relu'], []], [4, 6, 5, 3], 8),
    'layer_tanh': ([[], ['layer', 'tanh'], ['tanh', 'layer'], []], [4, 6, 5, 3], 7),
    'prelu': ([['prelu'], ['prelu'], ['prelu', 'layer plain'], []], [4, 9, 5, 3], 6),
    'on_the_samples': ([['batch', 'layer'], ['sigmoid', 'batch plain'], []], [5, 17, 3], 9),
    'two_rows': ([[], ['batch', 'tanh'], []], [3, 4, 2], 2),
    'at_the_end': ([[], ['threshold'], ['batch plain', 'tanh', 'layer', 'prelu', 'batch'], ['layer']], [4, 8, 7, 3], 30),
}

os.makedirs(out, exist_ok=True)
for number, (name, (kinds, sizes, rows)) in enumerate(sorted(cases.items())):
    torch.manual_seed(100 + number)
    model = build(kinds, sizes)
    for p in model.parameters():
        if p.dim() == 1:  # gammas of 1 and betas of 0 would prove little
            p.data = p.data + 0.3 * torch.randn_like(p)
    x, y = torch.randn(rows, sizes[0]) * 2 + 1, torch.randn(rows, sizes[-1])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    statistics = lambda: [b.detach().numpy().copy() for n, b in model.named_buffers() if 'num_batches' not in n]
    case = {'kinds': kinds, 'sizes': sizes, 'rows': rows, 'x': x.numpy(), 'y': y.numpy(), 'rate': 0.05, 'momentum': 0.9,
            'parameters': [p.detach().numpy().copy() for p in model.parameters()], 'statistics': statistics(), 'steps': []}
    for _ in range(3):
        model.train()
        optimizer.zero_grad()
        given = x.clone().requires_grad_(True)
        outputs = model(given)
        loss = torch.nn.functional.mse_loss(outputs, y)
        loss.backward()
        step = {'outputs': outputs.detach().numpy(), 'loss': loss.item(), 'gradients': [p.grad.numpy().copy() for p in model.parameters()], 'dx': given.grad.numpy()}
        optimizer.step()
        model.eval()
        with torch.no_grad():
            step['predictions'] = model(x).numpy()
        step['statistics'] = statistics()
        case['steps'].append(step)
    case['final'] = [p.detach().numpy().copy() for p in model.parameters()]
    dump(os.path.join(out, name + '.json'), case)


def philox(counter, key):
    """Philox4x32-10 (Salmon et al. 2011)."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        a, b = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (b >> 32) ^ c1 ^ k0, b & 0xFFFFFFFF, (a >> 32) ^ c3 ^ k1, a & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3

def normal(word, other, which):
    radius = math.sqrt(-2 * math.log((word + 0.5) / 2**32))
    angle = (((other % 2**30) + 0.5) / 2**30 - 0.5) * math.pi / 2 + (other >> 30) * math.pi / 2
    return radius * (math.cos(angle) if which == 0 else math.sin(angle))

seed, layer = 2**45 + 12345, 3
draws = []
for step, rows, units in [(0, 3, 37), (2**32 - 1, 2, 5), (17, 40, 1)]:
    normals = []
    for row in range(rows):
        for unit in range(units):
            words = philox((unit // 4, row, step, 256 * layer + 7), (seed % 2**32, seed >> 32))
            pair = unit % 4 // 2 * 2
            normals.append(normal(words[pair], words[pair + 1], unit % 2))
    draws.append({'step': step, 'rows': rows, 'units': units, 'normals': normals})
dump(os.path.join(sys.argv[2], 'normals.json'), {'seed': seed, 'layer': layer, 'draws': draws})
