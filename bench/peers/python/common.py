"""Data, initial weights and clocks for the Python peers. Everything here happens before or after the timed part.

Each peer is run as: python3 PEER.py WORKLOAD THREADS [ROWS], and prints one JSON line { value, cpu, rss, check }.
ROWS limits how much of the workload is measured; the value is scaled to the whole.
"""
import json
import os
import resource
import sys
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.environ['NABLA_BENCH_CACHE']
MNIST = os.environ['NABLA_BENCH_MNIST']

with open(os.path.join(HERE, '../../workloads/networks.json'), encoding='utf8') as file:
    NETWORKS = json.load(file)


def idx(name, offset):
    return np.fromfile(os.path.join(MNIST, name), np.uint8)[offset:]


def load(net, dtype=np.float32):
    """x (rows, features) as floats in their final scale, y int64 labels or (rows, outputs) values."""
    rows = net['rows']
    if net['data'] == 'mnist':
        images = idx('train-images-idx3-ubyte', 16).reshape(-1, 784)[:rows]
        return images.astype(dtype) / dtype(255), idx('train-labels-idx1-ubyte', 8)[:rows].astype(np.int64)
    if net['data'] == 'xor':
        return np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype), np.array([[0], [1], [1], [0]], dtype)
    if net['data'] == 'tabular':
        features = net['sizes'][0]
        x = np.fromfile(os.path.join(CACHE, 'tabular-x.f32'), np.float32, rows * features).reshape(rows, features)
        return x.astype(dtype), np.fromfile(os.path.join(CACHE, 'tabular-y.f32'), np.float32, rows).reshape(rows, 1).astype(dtype)
    rng = np.random.default_rng(1)
    x = rng.random((rows, net['sizes'][0]), np.float32).astype(dtype)
    outputs = net['sizes'][-1]
    if net['loss'] == 'crossentropy':
        return x, rng.integers(0, outputs, rows)
    return x, rng.random((rows, outputs), np.float32).astype(dtype)


def test_images(dtype=np.float32):
    return idx('t10k-images-idx3-ubyte', 16).reshape(-1, 784).astype(dtype) / dtype(255), idx('t10k-labels-idx1-ubyte', 8).astype(np.int64)


def weights(name, net, dtype=np.float32):
    """[(weight (out, in), bias (out) or None)]: the numbers that nabla starts with."""
    sizes = net['sizes']
    path = os.path.join(CACHE, f'{name}.weights.f32')
    if 'weights' in net:
        flat = np.concatenate([np.asarray(w, np.float32) for w in net['weights']])
    elif net['data'] == 'random':
        rng = np.random.default_rng(2)
        flat = np.concatenate([np.concatenate([(rng.random(i * o, np.float32) - np.float32(0.5)) * np.float32(2 * (6 / (i + o)) ** 0.5), np.zeros(o, np.float32)])
                               for i, o in zip(sizes, sizes[1:])])
    else:
        flat = np.fromfile(path, np.float32)
    layers, at = [], 0
    for i, o in zip(sizes, sizes[1:]):
        w = flat[at:at + i * o].reshape(o, i).astype(dtype)
        at += i * o
        b = None
        if net['bias']:
            b = flat[at:at + o].astype(dtype)
            at += o
        layers.append((w, b))
    assert at == flat.size, (at, flat.size)
    return layers


def order(name, net):
    """(epochs, rows): the orders that nabla's own shuffle gives; None where rows stay in place."""
    if not net['shuffle']:
        return None
    if net['data'] == 'random':
        return np.random.default_rng(3).permutation(net['rows'])[None]
    return np.fromfile(os.path.join(CACHE, f'{name}.order.u32'), np.uint32).reshape(net['epochs'], net['rows']).astype(np.int64)


class Clock:
    """Wall and processor time (all threads) between start() and stop()."""

    def start(self):
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def stop(self):
        self.wall, self.cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        return self


def report(value, cpu, check, **more):
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({'value': value, 'cpu': cpu, 'rss': round(rss, 1), 'check': check, **more}))


def report_training(net, clock, rows_done, loss, **check):
    scale = net['unitRows'] / rows_done / net['unitSeconds']
    part = {} if rows_done >= net['unitRows'] else {'part': rows_done / net['unitRows']}
    report(clock.wall * scale, clock.cpu * scale, {'loss': loss, 'rows': rows_done, **check}, **part)


def limits(net, argument):
    """Epochs and rows of each that are measured."""
    total = net['rows'] * net['epochs']
    wanted = min(total, int(argument) or total)
    if wanted >= net['rows']:
        return wanted // net['rows'], net['rows']
    return 1, wanted


def time_calls(call, inputs, seconds):
    """Microseconds of each call(input), many times over the inputs, for the given time; also processor time of one call."""
    clock = time.perf_counter_ns
    taken = []
    cpu = time.process_time()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for one in inputs:
            start = clock()
            call(one)
            taken.append(clock() - start)
    cpu = time.process_time() - cpu
    taken = np.array(taken) / 1000
    return float(np.median(taken)), float(np.percentile(taken, 99)), cpu / len(taken) * 1e6


def time_batches(call, x, seconds):
    """Milliseconds of call(x): median, and processor time of one."""
    call(x)
    call(x)
    taken = []
    cpu = time.process_time()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        call(x)
        taken.append(time.perf_counter() - start)
    cpu = time.process_time() - cpu
    return float(np.median(taken)) * 1e3, cpu / len(taken) * 1e3


def infer(name, prepare):
    """W4a, W4b and W8-one for a function prepare(layers, net) -> predict(x (rows, features)) -> (rows, outputs)."""
    if name == 'W8-one':
        net = NETWORKS['W8']
        x, y = load({**net, 'rows': 10000})
        predict = prepare(weights(name, net), net)
        error = float(np.mean((np.asarray(predict(x)) - y) ** 2))
        check = {'loss': error}
    else:
        net = NETWORKS['W2']
        x, y = test_images()
        predict = prepare(weights('W4', net), net)
        check = {'accuracy': float(np.mean(np.asarray(predict(x)).argmax(1) == y))}
    if name == 'W4a':
        median, cpu = time_batches(predict, x, 1)
        report(median, cpu, check)
    else:
        rows = [x[i:i + 1] for i in range(1000)]
        time_calls(predict, rows, 0.2)
        median, p99, cpu = time_calls(predict, rows, 1)
        report(median, cpu, check, p99=p99)


def main(train, prepare=None, sweep=None):
    name, threads, part = (sys.argv + ['0'])[1:4]
    if name == 'sweep':
        print(json.dumps(sweep_shapes(sweep or train)))
    elif name in ('W4a', 'W4b', 'W8-one'):
        infer(name, prepare)
    else:
        train(name, NETWORKS[name], part)


def sweep_shapes(step_of):
    """Seconds a step for every shape of the list in the cache; step_of(net, x, y, layers) -> run(row numbers)."""
    with open(os.path.join(CACHE, 'shapes.json'), encoding='utf8') as file:
        shapes = json.load(file)
    results = []
    for net in shapes:
        x, y = load(net)
        run = step_of(net, x, y, weights('', net))
        rows, batch = order('', net)[0], net['batch']
        run(rows[:batch])
        run(rows[:batch])
        steps = 0
        best = []
        # Medians of slices, so that one interruption does not decide.
        end = time.perf_counter() + net['seconds']
        while time.perf_counter() < end or len(best) < 3:
            start = time.perf_counter()
            for at in range(0, len(rows) - batch + 1, batch):
                run(rows[at:at + batch])
                steps += 1
            best.append((time.perf_counter() - start) / (len(rows) // batch))
        results.append(float(np.median(best)))
    return results
