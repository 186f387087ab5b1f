"""Install the peers that the data plane is measured beside, each in an environment of its own.

python benchmarks/dataplane/install.py [NAME ...]
"""

import subprocess
import sys
import venv

from contestants import PEERS

PACKAGES = {
    "litellm": ["litellm[proxy]==1.106.2"],
    "tensorzero": ["tensorzero==2026.6.0", "openai"],
}


def main() -> None:
    """Install those that are named, all without a name."""
    for name in sys.argv[1:] or PACKAGES:
        folder = PEERS / name
        venv.create(folder, with_pip=True)
        pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--only-binary", ":all:"]
        subprocess.run([*pip, *PACKAGES[name]], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
