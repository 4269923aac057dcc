"""The systemd units as systemd-analyze reads them, and the Dockerfile as a parser of its own does: what can be tried without a
machine that systemd runs and without Docker. deploy/README.md says what was tried by hand besides."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SETTINGS = pathlib.Path(sys.argv.pop(1)).read_text()
LINTER = sys.argv.pop(1)
UNITS = sorted(pathlib.Path("deploy/systemd").glob("*.service"))
DOCKERFILE = pathlib.Path("deploy/Dockerfile")
# Where systemd has what every unit rests on.
OF_SYSTEM = next(path for path in map(pathlib.Path, ("/usr/lib/systemd/system", "/lib/systemd/system")) if path.is_dir())
# The exposure that systemd-analyze finds, in tenths; 100 is a service without any restriction.
EXPOSURE_MAX = 50


def known_settings():
    return set(re.findall(r"\[(BERTH_[A-Z_]+)", SETTINGS))


class Root(tempfile.TemporaryDirectory):
    """A root folder with the units, the binary that they start and the units of the system."""

    def __enter__(self):
        root = pathlib.Path(super().__enter__())
        shutil.copytree(OF_SYSTEM, root / "usr/lib/systemd/system", symlinks=True)
        (root / "lib").symlink_to("usr/lib")
        (root / "etc/systemd/system").mkdir(parents=True)
        (root / "usr/local/bin").mkdir(parents=True)
        binary = root / "usr/local/bin/berth"
        binary.write_text("#!/bin/sh\n")
        binary.chmod(0o755)
        return root


def verified(change=lambda text: text):
    """What systemd-analyze has to say against the units."""
    with Root() as root:
        for unit in UNITS:
            (root / "etc/systemd/system" / unit.name).write_text(change(unit.read_text()))
        names = [unit.name.replace("@.", "@gateway.") for unit in UNITS]
        command = ["systemd-analyze", "verify", "--man=no", f"--root={root}", *names]
        done = subprocess.run(command, capture_output=True, text=True)
        return (done.returncode, done.stdout + done.stderr)


class Units(unittest.TestCase):
    def test_systemd_has_nothing_against_them(self):
        self.assertEqual(len(UNITS), 2)
        self.assertEqual(verified(), (0, ""))

    def test_a_misspelt_key_and_a_binary_that_is_elsewhere_are_found(self):
        self.assertIn("Unknown key 'DynamicUsr'", verified(lambda text: text.replace("DynamicUser", "DynamicUsr"))[1])
        self.assertIn("not executable", verified(lambda text: text.replace("/bin/berth", "/bin/brth"))[1])

    def test_they_are_restricted(self):
        for unit in UNITS:
            with Root() as root:
                shutil.copy(unit, root / "etc/systemd/system")
                command = ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE_MAX}",
                           f"--root={root}", unit.name.replace("@.", "@gateway.")]
                done = subprocess.run(command, capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_setting_is_one_that_berth_knows(self):
        for unit in UNITS:
            used = set(re.findall(r"\b(BERTH_[A-Z_]+)=", unit.read_text()))
            self.assertTrue(used and used <= known_settings(), used - known_settings())


class Image(unittest.TestCase):
    def linted(self, text):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "Dockerfile"
            file.write_text(text)
            done = subprocess.run(["node", LINTER, "lint", str(file)], capture_output=True, text=True)
            return (done.returncode, done.stdout + done.stderr)

    def test_a_parser_has_nothing_against_it(self):
        self.assertEqual(self.linted(DOCKERFILE.read_text()), (0, ""))

    def test_what_is_misspelt_is_found(self):
        self.assertIn("intervall", self.linted(DOCKERFILE.read_text().replace("--interval=", "--intervall="))[1])

    def test_it_has_what_is_built_and_settings_that_berth_knows(self):
        text = DOCKERFILE.read_text()
        self.assertIn("cargo build --profile dist --locked -p berth ", text)
        self.assertIn("COPY --from=build /berth/target/dist/berth /usr/local/bin/berth", text)
        used = set(re.findall(r"\b(BERTH_[A-Z_]+)=", text))
        self.assertTrue(used and used <= known_settings(), used - known_settings())

    def test_nothing_secret_and_nothing_built_is_sent_to_the_build(self):
        ignored = pathlib.Path(".dockerignore").read_text().split()
        for path in ("target", "berth-data", "deploy/.env", ".git"):
            self.assertIn(path, ignored)


if __name__ == "__main__":
    unittest.main(verbosity=1)
