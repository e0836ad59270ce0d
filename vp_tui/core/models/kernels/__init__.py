"""The attention kernels, one module each; models/attention.py chooses one."""
