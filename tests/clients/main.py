"""Runs the tests of this folder, or of the one that `--from` names, and says how many passed.

A test that fails is shown with what the server logged during it. The closing line reads `N passed, 0 failed`.
"""

import pathlib
import sys
import time
import unittest

HERE = pathlib.Path(__file__).parent


class Told(unittest.TextTestResult):
    """Counts, and tells of each test in a line."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.passed = 0
        self._began = 0.0

    def startTest(self, test):
        unittest.TestResult.startTest(self, test)
        self._began = time.monotonic()

    def addSuccess(self, test):
        self.passed += 1
        self._tell("PASS", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._tell("FAIL", test)

    def addError(self, test, err):
        super().addError(test, err)
        self._tell("FAIL", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._tell("SKIP", test)

    def _exc_info_to_string(self, err, test):
        log = test.berth.log() if getattr(test, "berth", None) else ""
        return super()._exc_info_to_string(err, test) + (f"--- the server logged:\n{log}" if log else "")

    def _tell(self, word, test):
        seconds = time.monotonic() - self._began if self._began else 0.0
        print(f"        {word} [{seconds:8.3f}s] {test.id()}", flush=True)


def main(names):
    folder = HERE
    if names[:1] == ["--from"]:
        folder, names = pathlib.Path(names[1]).resolve(), names[2:]
    sys.path[:0] = [str(folder), str(HERE)]
    loader = unittest.TestLoader()
    if names:
        suite = loader.loadTestsFromNames(names)
    else:
        suite = loader.discover(str(folder), top_level_dir=str(folder))
    runner = unittest.TextTestRunner(stream=sys.stdout, resultclass=Told, verbosity=0)
    result = Told(runner.stream, runner.descriptions, 0)
    suite.run(result)
    result.printErrors()
    failed = len(result.failures) + len(result.errors)
    print(f"{result.passed} passed, {failed} failed", flush=True)
    return 1 if failed or not result.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
