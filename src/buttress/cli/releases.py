"""`buttress releases`: compile the features, and say what is wrong with them."""

import click
import msgspec

from buttress.app.project import compiled_releases, knowledge_bases
from buttress.cli.main import Invocation
from buttress.cli.opening import project_folder
from buttress.releases.types import Release


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array of whole releases.")
@click.pass_obj
def releases(invocation: Invocation, *, as_json: bool) -> None:
    """Compile the features, and say what is wrong with them: each mistake with file, line and a hint."""
    project = project_folder(invocation)
    compiled = compiled_releases(project, knowledge_bases(project))
    if as_json:
        click.echo(msgspec.json.encode(list(compiled.values())))
        return
    if not compiled:
        click.echo(
            "No features yet: write features/NAME/feature.yaml, or begin with `buttress init`.", err=True
        )
    for release in compiled.values():
        click.echo(f"{release.feature:<20} {release.release_id}  {_stages(release)}  {release.description}")


def _stages(release: Release) -> str:
    return " > ".join(stage.name for stage in release.stages)
