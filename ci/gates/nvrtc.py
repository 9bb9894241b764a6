"""NVRTC through ctypes."""

import ctypes
from pathlib import Path


class Nvrtc:
    def __init__(self, path):
        # NVRTC looks for its builtins by their bare name, which is found when they are open already.
        for builtins in sorted(Path(path).parent.glob("libnvrtc-builtins.so.*")):
            ctypes.CDLL(str(builtins))
        self.library = ctypes.CDLL(str(path))
        self.library.nvrtcGetErrorString.restype = ctypes.c_char_p

    def compile(self, name, text, headers, options):
        """(PTX, cubin, log); PTX and cubin are None where the text does not compile."""
        program = ctypes.c_void_p()
        texts = strings([header[1] for header in headers])
        names = strings([header[0].encode() for header in headers])
        code = self.library.nvrtcCreateProgram(
            ctypes.byref(program), text, name.encode(), len(headers), texts, names
        )
        if code:
            return None, None, self.message(code)
        options = strings([option.encode() for option in options])
        code = self.library.nvrtcCompileProgram(program, len(options), options)
        log = self.fetch(program, "ProgramLog").rstrip(b"\0").decode(errors="replace")
        ptx = cubin = None
        if code:
            log = f"{self.message(code)}\n{log}"
        else:
            ptx = self.fetch(program, "PTX").rstrip(b"\0")
            cubin = self.fetch(program, "CUBIN")
        self.library.nvrtcDestroyProgram(ctypes.byref(program))
        return ptx, cubin, log

    def fetch(self, program, what):
        size = ctypes.c_size_t()
        code = getattr(self.library, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(max(size.value, 1))
        if not code and size.value:
            code = getattr(self.library, f"nvrtcGet{what}")(program, buffer)
        if code:
            raise RuntimeError(f"nvrtcGet{what}: {self.message(code)}")
        return buffer.raw[: size.value]

    def message(self, code):
        return self.library.nvrtcGetErrorString(code).decode()


def strings(values):
    return (ctypes.c_char_p * len(values))(*values)
