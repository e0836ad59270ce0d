"""The regression rule as pure code: samples of two configurations in, one verdict with its sentence out.

    samples + metrics + rules -> statistics -> gates | accuracy | performance -> compare, drift

Nothing here reads a clock, a store or a tensor. The same data give the same verdict, in whatever order the runs come.
"""
