"""Coefficients of the upper tail of the normal distribution as docs/numerics.md writes it out. Needs mpmath (Debian: python3-mpmath).   usage: python3 scripts/fit-erfc.py

P(t) approximates (1 + 2y) exp(y^2) erfc(y) / 2 for y >= 0 in t = (y - 2) / (y + 2), which is in [-1, 1): the Chebyshev series of that
function, cut, as powers of t. Prints the powers' coefficients and the largest relative error of the cut series over y in [0, 26]."""
import mpmath as mp

mp.mp.dps = 60
NODES = 200


def scaled(y):
    return (1 + 2 * y) * mp.exp(y * y) * mp.erfc(y) / 2


def of_t(t):
    return 1 / mp.sqrt(mp.pi) if t >= 1 - mp.mpf(10) ** -12 else scaled(2 * (1 + t) / (1 - t))


def coefficients(degree):
    angles = [mp.pi * (j + mp.mpf(1) / 2) / NODES for j in range(NODES)]
    values = [of_t(mp.cos(a)) for a in angles]
    series = [2 / mp.mpf(NODES) * mp.fsum(v * mp.cos(i * a) for v, a in zip(values, angles)) for i in range(degree + 1)]
    series[0] /= 2
    polynomials = [[mp.mpf(1)], [mp.mpf(0), mp.mpf(1)]]
    while len(polynomials) <= degree:
        twice = [mp.mpf(0)] + [2 * c for c in polynomials[-1]]
        polynomials.append([c - (polynomials[-2][j] if j < len(polynomials[-2]) else 0) for j, c in enumerate(twice)])
    powers = [mp.mpf(0)] * (degree + 1)
    for factor, polynomial in zip(series, polynomials):
        for j, c in enumerate(polynomial):
            powers[j] += factor * c
    return powers


for name, degree in (('float64', 24), ('float32', 11)):
    c = coefficients(degree)
    worst = 0
    for i in range(2601):
        y = mp.mpf(i) / 100
        worst = max(worst, abs(mp.polyval(c[::-1], (y - 2) / (y + 2)) / scaled(y) - 1))
    print(f'{name}: degree {degree}, largest relative error {mp.nstr(worst, 2)}')
    for v in c:
        print('  ' + (repr(float(v)) if name == 'float64' else mp.nstr(v, 9)) + ',')
