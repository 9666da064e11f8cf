"""A session's processes, and what passes between them.

child_process.py  started with a pipe and a log, never left behind
mailbox.py        the newest record, in shared memory
record_ring.py    every record in order, in shared memory
interrupt.py      Ctrl-C as a question between two steps of long work
threads.py        how many threads libraries may take
"""
