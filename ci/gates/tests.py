"""python3 -m unittest gates.tests, in ci/"""

import unittest

from . import budget, sass, usage
from .usage import Usage

LOG = """\
ptxas info    : 4 bytes gmem, 8 bytes cmem[4]
ptxas info    : Compiling entry function 'one' for 'sm_90'
ptxas info    : Function properties for one
ptxas         .     832 bytes stack frame, 1388 bytes spill stores, 1372 bytes spill loads
ptxas info    : Used 64 registers, used 1 barriers, 832 bytes cumulative stack size, 1024 bytes smem, 372 bytes cmem[0]
ptxas info    : Compile time = 47.323 ms
ptxas info    : Compiling entry function 'two' for 'sm_90'
ptxas info    : Function properties for two
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 17 registers, used 0 barriers, 384 bytes cmem[0]
"""

LISTING = """\
\t.section\t.text.one,"ax",@progbits
.text.one:
        /*0000*/                   LDC R1, c[0x0][0x37c] ;
        /*0010*/              @!P0 LDG.E.128.CONSTANT R4, desc[UR4][R2.64] ;
        /*0020*/             @!UPT UIADD3 UR4, UR4, 0x1, URZ ;
.text.two:
        /*0000*/                   HMMA.16816.F32.BF16 R4, R8, R12, R4 ;
        /*0010*/                   STL [R1], R2 ;
"""


class Gates(unittest.TestCase):
    def test_usage_is_read_and_nothing_else_is_there(self):
        used, rest = usage.read(LOG)
        self.assertEqual(used, {"one": Usage(64, 1024, 832, 2760), "two": Usage(17, 0, 0, 0)})
        self.assertEqual(rest, "")

    def test_every_other_line_is_a_complaint(self):
        for line in (
            'a.cu(3): warning #177-D: variable "x" was declared but never referenced',
            "ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized",
            "ptxas warning : Registers are spilled to local memory in function 'one', 4 bytes spill stores",
        ):
            self.assertEqual(usage.read(LOG + line)[1], line)

    def test_opcodes_are_found_by_kernel_with_modifiers_in_any_order(self):
        found = sass.parse(LISTING)
        self.assertEqual(found["one"], {"LDC", "LDG.E.128.CONSTANT", "UIADD3"})
        for wanted in ("LDG", "LDG.128", "LDG.CONSTANT.E"):
            self.assertTrue(sass.holds(found["one"], wanted), wanted)
        for wanted in ("LD", "LDG.64", "HMMA"):
            self.assertFalse(sass.holds(found["one"], wanted), wanted)

    def test_rows_add_up_and_exceptions_are_granted(self):
        found = sass.parse(LISTING)
        rows = [sass.Row("*", [], ["STL", "LDL"], []), sass.Row("t*", ["HMMA", "LDSM"], [], [])]
        self.assertEqual(sass.faults(rows, "one", found["one"]), [])
        self.assertEqual(sass.faults(rows, "two", found["two"]), ["lacks LDSM", "holds STL"])
        rows.append(sass.Row("two", [], [], ["STL"]))
        self.assertEqual(sass.faults(rows, "two", found["two"]), ["lacks LDSM"])
        self.assertEqual(sass.idle(rows, ["one"]), ["t*", "two"])

    def test_differences_of_budgets_are_named(self):
        a, b = Usage(16, 0, 0, 0), Usage(20, 512, 0, 0)
        old = {("one", 80): a, ("one", 90): a, ("gone", 80): a}
        new = {("one", 80): a, ("one", 90): b, ("new", 80): a}
        self.assertEqual(
            budget.differences(old, new),
            [
                "gone sm_80: in the file, but there is no such kernel",
                "new sm_80: not in the file: registers 16, shared 0, stack 0, spills 0",
                "one sm_90: registers 16 -> 20, shared 0 -> 512",
            ],
        )


if __name__ == "__main__":
    unittest.main()
