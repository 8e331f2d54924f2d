"""W7: a CSV of 42,000 x 785 into an array of bytes (label and pixels), with NumPy or pandas. Run as: csv_readers.py W7 numpy|pandas"""
import os
import sys

import numpy as np

from common import CACHE, Clock, report

path = os.path.join(CACHE, 'train.csv')
if sys.argv[2] == 'pandas':
    import pandas

    def read():
        return pandas.read_csv(path, dtype=np.uint8).to_numpy()
else:
    def read():
        return np.loadtxt(path, np.uint8, delimiter=',', skiprows=1)

clock = Clock()
clock.start()
table = read()
clock.stop()
report(clock.wall, clock.cpu, {'rows': len(table), 'sum': int(table.sum(dtype=np.int64))})
