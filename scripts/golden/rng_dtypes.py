"""More of numpy.random's legacy RandomState: every dtype of randint, seeds given as lists, choice, binomial, long runs of normal numbers.
usage: rng_dtypes.py test/golden/rng"""
import sys, hashlib
import numpy as np
from common import *

def one(seed):
    R = np.random.RandomState
    calls = []
    def put(name, args, v): calls.append({'name': name, 'args': args, 'values': np.asarray(v).tolist(), 'next': float(r.random_sample())})
    for dtype, low, high in [('int64', -5, 5), ('int64', 0, 2**32), ('int64', 0, 2**33 + 12345), ('int64', 7, 8), ('int32', -2**31, 2**31), ('int32', -3, 1000), ('uint32', 0, 2**32), ('uint32', 5, 70000),
                             ('int16', -300, 300), ('uint16', 0, 65536), ('uint16', 10, 20), ('int8', -128, 128), ('int8', -3, 4), ('uint8', 0, 200), ('uint8', 3, 4), ('bool', 0, 2), ('bool', 1, 2)]:
        r = R(seed)
        put('randint', [low, high, 37, dtype], r.randint(low, high, 37, dtype=dtype).astype(np.int64))
    for n, size in [(10, 10), (1, 1), (1000, 7)]:
        r = R(seed); put('choice', [n, size, False], r.choice(n, size, replace=False))
        r = R(seed); put('choice', [n, size, True], r.choice(n, size))
    for n, p in [(1, 0.5), (10, 0.3), (10, 0.9), (40, 0.5), (1000, 0.01), (5, 0.0), (5, 1.0), (0, 0.5)]:
        r = R(seed); put('binomial', [n, p, 25], r.binomial(n, p, 25))
    r = R(seed); a = np.arange(60.0).reshape(20, 3); r.shuffle(a); put('shuffleRows', [20, 3], a.ravel())
    r = R(seed); r.randn(3); name, key, pos, has, cached = r.get_state()
    state = {'sha256_le_u32': hashlib.sha256(key.astype('<u4').tobytes()).hexdigest(), 'pos': int(pos), 'has_gauss': int(has), 'cached_gaussian': float(cached)}
    return {'seed': seed, 'calls': calls, 'state_after_randn_3': state}

if __name__ == '__main__':
    dump(f'{sys.argv[1]}/rng_dtypes.json', [one(s) for s in (0, 12345, [1], [1, 2, 3], [4294967295, 0, 7])])
    # Enough normal numbers to measure how often a logarithm's last bit matters.
    np.random.RandomState(7).randn(40000).astype('<f8').tofile(f'{sys.argv[1]}/randn_seed7_40000.f64')
