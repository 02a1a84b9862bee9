"""A session that has found its stride asks for no memory: not for a command, its reply, its line in the log or its wait."""
import os
import pathlib
import shutil
import struct
import tempfile
import unittest

from harness import SANITIZED, SOURCE, EndToEndTest
from control_client import logged_in

LIBRARY = pathlib.Path(os.environ.get("FTPC_ALLOCATIONS_LIBRARY", SOURCE / "build/release/tests/libftpc_allocations.so"))
COMMANDS = 500
FEW = COMMANDS // 4  # for what is not of a command: buffers that grow, timers, turns that others get


# Where a mkdir(2) is quick: on a slow disk each batch takes longer than a turn, and giving others theirs is not for nothing.
MEMORY = pathlib.Path("/dev/shm")


@unittest.skipIf(SANITIZED, "the sanitizers' runtime allocates in its own way")
@unittest.skipUnless(MEMORY.is_dir(), "needs /dev/shm")
class Allocations(EndToEndTest):
    def setUp(self):
        tree = pathlib.Path(tempfile.mkdtemp(prefix="ftpc-test-", dir=MEMORY))
        self.addCleanup(shutil.rmtree, tree)
        tree.chmod(0o755)
        site = self.make_site(durability="none", root=tree / "root")
        # Beside the site, where the server's system users can read it wherever the build tree is.
        library = site.directory / LIBRARY.name
        shutil.copyfile(LIBRARY, library)
        library.chmod(0o755)
        self.counter = site.directory / "allocations"
        self.counter.write_bytes(bytes(8))
        self.counter.chmod(0o666)
        self.server = self.start(site, env={**os.environ, "LD_PRELOAD": str(library), "FTPC_ALLOCATIONS": str(self.counter)})
        self.session = logged_in(self.server.port)
        self.addCleanup(self.session.close)
        self.assertGreater(self.so_far(), 0, "what is counted")

    def so_far(self):
        return struct.unpack("Q", self.counter.read_bytes())[0]

    def least_of_some(self, carry_out):
        """How much memory is asked for in `carry_out(number)`: the least of some times, the first of which is to warm up.

        What else takes the processor in the middle of it makes the server give others their turn, and that is not for nothing.
        """
        numbers = []
        for number in range(11):
            before = self.so_far()
            carry_out(number)
            numbers.append(self.so_far() - before)
        return min(numbers[1:])

    def test_one_command_at_a_time(self):
        def some(number):
            for i in range(COMMANDS):
                self.assertEqual(self.session.code(f"MKD {number}.{i}"), 257)

        self.assertLess(self.least_of_some(some), FEW)

    def test_commands_in_flight(self):
        def batches(number):
            for i in range(COMMANDS // 10):  # far less than a turn takes
                replies = self.session.pipeline([f"MKD {number}.{i}.{j}" for j in range(10)])
                self.assertEqual({reply.code for reply in replies}, {257})

        self.assertLess(self.least_of_some(batches), FEW)

    def test_names_that_are_long(self):
        def some(number):
            for i in range(COMMANDS):
                self.assertEqual(self.session.code(f"MKD {number}.{i}-{'n' * 200}"), 257)

        self.assertLess(self.least_of_some(some), FEW)

    def test_below_another_directory(self):
        self.assertEqual(self.session.code("MKD the-parent-of-them-all"), 257)

        def batches(number):
            for i in range(COMMANDS // 10):
                names = (f"{number}.{i}.{j}" for j in range(10))
                replies = self.session.pipeline([f"MKD the-parent-of-them-all/{name}" for name in names])
                self.assertEqual({reply.code for reply in replies}, {257})

        # Each batch opens the parent.
        self.assertLess(self.least_of_some(batches), COMMANDS // 10 + FEW)

    def test_other_commands(self):
        for command in ("NOOP", "TYPE I"):
            def some(_):
                for _ in range(COMMANDS):
                    self.assertEqual(self.session.code(command), 200)

            self.assertLess(self.least_of_some(some), FEW, command)


if __name__ == "__main__":
    unittest.main()
