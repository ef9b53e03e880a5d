"""Poison for scans: with this folder on PYTHONPATH, a declaration with a file ``poison`` in it goes wrong.

``crash`` ends the process as a fault of memory does, ``hang`` never ends, ``memory`` takes 8 GB. Declarations
that do this to `auditor` are mended when they are found, so tests have to make their own.
"""

import os
import signal
import sys
import time
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path

NAME = "auditor.readers"
BLOCK = 1 << 26


def _spoilt(kind):
    if kind == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    while kind == "hang":
        time.sleep(3600)  # what never ends need not burn a core meanwhile
    if kind == "memory":
        taken = []
        for _ in range((8 << 30) // BLOCK):
            taken.append(bytearray(BLOCK))
            taken[-1][::4096] = b"x" * (BLOCK // 4096)  # else none of it would be there


class _Poisoned(Loader):
    def __init__(self, loader):
        self.loader = loader

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.loader.exec_module(module)
        read = module.read_declaration

        def read_declaration(path, **options):
            mark = Path(path) / "poison"
            if mark.is_file():
                _spoilt(mark.read_text().strip())
            return read(path, **options)

        module.read_declaration = read_declaration


class _Finder(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != NAME:
            return None
        spec = PathFinder.find_spec(name, path)
        spec.loader = _Poisoned(spec.loader)
        return spec


sys.meta_path.insert(0, _Finder())
