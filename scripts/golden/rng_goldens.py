"""numpy.random legacy RandomState (MT19937) goldens.  usage: rng_goldens.py test/golden/rng 0 1 42 4294967295

Every block re-seeds with np.random.seed(S) first, so blocks are independent.  'sequence' blocks record several calls on ONE
stream, in order.  All values are cross-checked against the pure-Python MT19937 below (independent implementation)."""
import sys, math, hashlib
import numpy as np
from common import *

class PyMT:
    """MT19937 + the legacy NumPy samplers, written from the public algorithm descriptions."""
    def __init__(s, seed):
        s.mt = [0] * 624; s.mt[0] = seed & 0xffffffff
        for i in range(1, 624):                                  # init_genrand (what np.random.seed(int) uses)
            s.mt[i] = (1812433253 * (s.mt[i-1] ^ (s.mt[i-1] >> 30)) + i) & 0xffffffff
        s.i = 624; s.g = None
    def u32(s):
        if s.i == 624:
            m = s.mt
            for k in range(624):
                y = (m[k] & 0x80000000) | (m[(k+1) % 624] & 0x7fffffff)
                m[k] = m[(k+397) % 624] ^ (y >> 1) ^ (0x9908b0df if y & 1 else 0)
            s.i = 0
        y = s.mt[s.i]; s.i += 1
        y ^= y >> 11; y ^= (y << 7) & 0x9d2c5680; y ^= (y << 15) & 0xefc60000; y ^= y >> 18
        return y
    def rand(s):
        a = s.u32() >> 5; b = s.u32() >> 6
        return (a * 67108864.0 + b) / 9007199254740992.0
    def gauss(s):                                                # polar Box-Muller, second value cached
        if s.g is not None:
            t, s.g = s.g, None; return t
        while True:
            x1 = 2.0 * s.rand() - 1.0; x2 = 2.0 * s.rand() - 1.0; r2 = x1*x1 + x2*x2
            if r2 < 1.0 and r2 != 0.0: break
        f = math.sqrt(-2.0 * math.log(r2) / r2)
        s.g = f * x1
        return f * x2
    def interval(s, mx):                                         # masked rejection, uniform integer in [0, mx]
        if mx == 0: return 0
        mask = (1 << mx.bit_length()) - 1
        while True:
            if mx <= 0xffffffff: v = s.u32() & mask
            else: v = ((s.u32() << 32) | s.u32()) & mask
            if v <= mx: return v
    def masked(s, rng):                                          # legacy randint for spans <= 2**32 (int64 / int32 dtype)
        return s.interval(rng)
    def u8(s):                                                   # legacy randint dtype=uint8: four bytes per 32-bit word, low first
        if not getattr(s, 'bc', 0): s.buf = s.u32(); s.bc = 3
        else: s.buf >>= 8; s.bc -= 1
        return s.buf & 255
    def shuffle(s, a):
        for i in range(len(a) - 1, 0, -1):
            j = s.interval(i); a[i], a[j] = a[j], a[i]
        return a

def block(seed):
    R = np.random
    out = {'seed': seed, 'blocks': {}}
    B = out['blocks']
    def put(name, call, fn, check=None, exact=True):
        R.seed(seed); v = fn()
        st = R.get_state()
        v = np.asarray(v)
        B[name] = {'call': call, 'shape': list(v.shape), 'values': v.tolist(), 'next_random_sample': float(R.random_sample())}
        if check is not None:
            p = PyMT(seed); c = np.asarray(check(p))
            d = 0 if v.dtype.kind in 'iub' else None
            same = bool((c.reshape(v.shape) == v).all())
            B[name]['check_pure_python'] = 'bit-identical' if same else f'max abs diff {float(np.abs(c.reshape(v.shape)-v).max())!r}'
            assert same or (not exact and np.allclose(c.reshape(v.shape), v, rtol=1e-15, atol=1e-16)), name
            assert abs(p.rand() - B[name]['next_random_sample']) == 0 or p.g is not None or not exact, name
    rep = lambda f, n: [f() for _ in range(n)]
    put('rand_20', 'np.random.rand(20)', lambda: R.rand(20), lambda p: rep(p.rand, 20))
    put('rand_3x4', 'np.random.rand(3,4)', lambda: R.rand(3, 4), lambda p: rep(p.rand, 12))
    put('rand_700_last20', 'np.random.rand(700)[-20:]  (crosses the 624-word refill twice)', lambda: R.rand(700)[-20:], lambda p: rep(p.rand, 700)[-20:])
    put('randn_20', 'np.random.randn(20)', lambda: R.randn(20), lambda p: rep(p.gauss, 20), exact=False)
    put('randn_7', 'np.random.randn(7)  (odd: one gaussian stays cached; next_random_sample is the next uniform)', lambda: R.randn(7), lambda p: rep(p.gauss, 7), exact=False)
    put('randn_5x3', 'np.random.randn(5,3)', lambda: R.randn(5, 3), lambda p: rep(p.gauss, 15), exact=False)
    put('uniform_20', 'np.random.uniform(size=20)', lambda: R.uniform(size=20), lambda p: rep(p.rand, 20))
    put('uniform_2x3', 'np.random.uniform(size=(2,3))', lambda: R.uniform(size=(2, 3)), lambda p: rep(p.rand, 6))
    put('uniform_m3_5_20', 'np.random.uniform(-3,5,20)', lambda: R.uniform(-3, 5, 20), lambda p: [-3 + 8 * p.rand() for _ in range(20)])
    put('normal_20', 'np.random.normal(loc=0.0, scale=1.0, size=20)', lambda: R.normal(0.0, 1.0, 20), lambda p: rep(p.gauss, 20), exact=False)
    put('normal_2p5_0p3_20', 'np.random.normal(loc=2.5, scale=0.3, size=20)', lambda: R.normal(2.5, 0.3, 20), lambda p: [2.5 + 0.3 * p.gauss() for _ in range(20)], exact=False)
    put('normal_scale_sqrt_2_884', 'np.random.normal(loc=0.0, scale=np.sqrt(2/884), size=(4,5))', lambda: R.normal(0.0, np.sqrt(2/884), (4, 5)), lambda p: [math.sqrt(2/884) * p.gauss() for _ in range(20)], exact=False)
    put('randint_0_10_20', 'np.random.randint(0,10,20)', lambda: R.randint(0, 10, 20), lambda p: rep(lambda: p.masked(9), 20))
    put('randint_0_10_scalar', '[np.random.randint(0,10) for _ in range(20)]  (scalar calls)', lambda: [int(R.randint(0, 10)) for _ in range(20)], lambda p: rep(lambda: p.masked(9), 20))
    put('randint_0_256_u8', 'np.random.randint(0,256,20,dtype=np.uint8)', lambda: R.randint(0, 256, 20, dtype=np.uint8), lambda p: rep(p.u8, 20))
    put('randint_big', 'np.random.randint(0,10**12,20)', lambda: R.randint(0, 10**12, 20), lambda p: rep(lambda: p.masked(10**12 - 1), 20))
    put('permutation_20', 'np.random.permutation(20)', lambda: R.permutation(20), lambda p: p.shuffle(list(range(20))))
    put('permutation_1', 'np.random.permutation(1)', lambda: R.permutation(1), lambda p: p.shuffle([0]))
    def sh(a): R.shuffle(a); return a
    put('shuffle_arange_50', 'a=np.arange(50); np.random.shuffle(a)', lambda: sh(np.arange(50)), lambda p: p.shuffle(list(range(50))))
    put('shuffle_list_11', 'a=list(range(11)); np.random.shuffle(a)', lambda: sh(list(range(11))), lambda p: p.shuffle(list(range(11))))
    put('shuffle_rows_12x3', 'a=np.arange(36).reshape(12,3); np.random.shuffle(a)', lambda: sh(np.arange(36).reshape(12, 3)),
        lambda p: p.shuffle(np.arange(36).reshape(12, 3).tolist()))
    # shuffling rows of a big matrix = same permutation as shuffling its row numbers
    for n in (1000, 42000, 60000, 70000):
        R.seed(seed); o = sh(np.arange(n))
        R.seed(seed); q = R.permutation(n); assert (o == q).all()
        if n <= 42000:
            R.seed(seed); m = np.stack([np.arange(n), np.arange(n) * 2], 1); sh(m); assert (m[:, 0] == o).all() and (m[:, 1] == 2 * o).all()
        if n == 1000: assert PyMT(seed).shuffle(list(range(n))) == o.tolist()
        B[f'shuffle_rows_n{n}'] = {'call': f'row order after np.random.shuffle(matrix with {n} rows) (= permutation({n}))', 'n': n, 'first30': o[:30].tolist(), 'last10': o[-10:].tolist(),
            'sha256_le_u32': hashlib.sha256(o.astype('<u4').tobytes()).hexdigest()}
    # one stream, many calls
    R.seed(seed)
    seq = []
    def s(call, v): seq.append({'call': call, 'value': np.asarray(v).tolist()})
    s('rand(3)', R.rand(3)); s('randn(3)', R.randn(3)); s('rand(2)', R.rand(2)); s('randn(2)', R.randn(2)); s('permutation(7)', R.permutation(7))
    s('normal(1,2,3)', R.normal(1, 2, 3)); s('randint(0,10,5)', R.randint(0, 10, 5)); s('uniform(-1,1,2)', R.uniform(-1, 1, 2)); s('shuffle(arange(9))', sh(np.arange(9)))
    s('choice(10,4,replace=False)', R.choice(10, 4, replace=False)); s('choice(5,6)', R.choice(5, 6)); s('random_sample(2)', R.random_sample(2)); s('standard_normal(2)', R.standard_normal(2))
    s('binomial(1,0.5,8)', R.binomial(1, 0.5, 8)); s('rand(2)', R.rand(2))
    out['sequence'] = seq
    R.seed(seed); out['raw_u32_first20'] = [int(x) for x in R.randint(0, 2**32, 20, dtype=np.uint32)]
    p = PyMT(seed); assert out['raw_u32_first20'] == [p.u32() for _ in range(20)]
    return out

if __name__ == '__main__':
    for s in map(int, sys.argv[2:]):
        dump(f'{sys.argv[1]}/rng_seed{s}.json', block(s), indent=1)
    # scientific: seeding by arrays and large seeds are different algorithms (init_by_array); recorded for information
