"""PyTorch with the number of threads asked for and denormals off, which training with Adam runs into."""
import sys

import torch

torch.set_num_threads(int(sys.argv[2]))
torch.set_flush_denormal(True)
