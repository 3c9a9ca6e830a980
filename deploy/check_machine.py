"""Say in one sentence what this machine lacks before anything is installed. Plain Python, any version."""
# ruff: noqa: UP022, UP031, UP036, PTH110, PTH118 (old Pythons must be able to run this file)

import os
import shutil
import subprocess
import sys


def main():
    """0 when Python and Java are there; else a sentence on stderr and 2."""
    if sys.version_info < (3, 11):
        return (
            "Python %d.%d is too old: install Python 3.11 or later and run `make PYTHON=python3.11 demo`"
            % sys.version_info[:2]
        )
    home = os.environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else shutil.which("java")
    if not java or not os.path.exists(java):
        return "Java is missing: install a Java 17 runtime (e.g. the package openjdk-17-jre-headless)"
    out = subprocess.run(
        [java, "-version"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False
    ).stderr.decode()
    try:
        major = int(out.split('"')[1].split(".")[0])
    except (IndexError, ValueError):
        major = 0
    if major < 17:
        return "Java %s at %s is too old: install a Java 17 runtime and set JAVA_HOME to it" % (major or "?", java)
    return None


if __name__ == "__main__":
    lack = main()
    if lack:
        sys.stderr.write(lack + "\n")
        sys.exit(2)
