"""The conditions on one torch device, without a number passing through this process's memory.

They are those of the modules of the same names in the folder above, whose plain forms are the references of both.
Nothing here waits for the device: what would be read back to choose by stays a tensor.
"""
