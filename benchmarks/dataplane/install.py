"""Install the peers that the data plane is measured beside, each in an environment of its own.

python benchmarks/dataplane/install.py [NAME ...]
"""

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from contestants import PEERS

PYTHON = {
    "litellm": ["litellm[proxy]==1.106.2"],
    "tensorzero": ["tensorzero==2026.6.0", "openai"],
}
NODE = {
    # With newer ones of the two its streams and embeddings answer 500: these are those of its own lock file.
    "portkey": {"@portkey-ai/gateway": "1.15.2", "@hono/node-server": "1.13.5", "hono": "4.9.7"},
}


def with_pip(folder: Path, packages: list[str]) -> None:
    """Install packages of Python."""
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--only-binary", ":all:"]
    subprocess.run([*pip, *packages], check=True)  # noqa: S603


def with_npm(folder: Path, packages: dict[str, str]) -> None:
    """Install packages of Node, exactly these versions; none of their scripts is run."""
    npm = shutil.which("npm")
    if npm is None:
        print(f"there is no npm: {folder.name} is skipped", file=sys.stderr)
        return
    folder.mkdir(parents=True, exist_ok=True)
    of_others = {
        name: version for name, version in packages.items() if not name.startswith(f"@{folder.name}")
    }
    wanted = {"private": True, "type": "module", "dependencies": packages, "overrides": of_others}
    (folder / "package.json").write_text(json.dumps(wanted))
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=folder, check=True)  # noqa: S603


def main() -> None:
    """Install those that are named, all without a name."""
    for name in sys.argv[1:] or [*PYTHON, *NODE]:
        if name in PYTHON:
            with_pip(PEERS / name, PYTHON[name])
        else:
            with_npm(PEERS / name, NODE[name])


if __name__ == "__main__":
    main()
