"""The compiled kernel: one extension, C++17 against Python's stable ABI, with no build dependency but setuptools.

It is optional: where no compiler is at hand the package installs without it and `dedup.kernel` serves the reference.
"""

import os
import shlex
from pathlib import Path

from setuptools import Extension, setup

MSVC = os.name == "nt" and "GCC" not in os.environ.get("MSYSTEM", "")
FLAGS = ["/O2", "/std:c++17", "/utf-8"] if MSVC else ["-O3", "-std=c++17", "-fvisibility=hidden", "-Wall", "-Wextra"]
MORE = shlex.split(os.environ.get("DEDUP_KERNEL_FLAGS", ""))  # such as -fsanitize=address,undefined

setup(
    ext_modules=[
        Extension(
            "dedup.kernel._native",
            ["dedup/kernel/cpp/module.cpp"],
            depends=sorted(map(str, Path("dedup/kernel/cpp").rglob("*.h"))),
            extra_compile_args=FLAGS + MORE,
            extra_link_args=MORE,
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            py_limited_api=True,
            optional=True,
            language="c++",
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
