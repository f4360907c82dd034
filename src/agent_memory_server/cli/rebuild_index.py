"""`agent-memory rebuild-index`: everything that is derived from the stored records, made again."""

from __future__ import annotations

import asyncio

import click

from agent_memory_server.cli.progress import bar
from agent_memory_server.cli.start import exit_on_refusal, started
from agent_memory_server.compose.maintenance import rebuilding, reembedding
from agent_memory_server.settings import Settings


@click.command("rebuild-index", short_help="Build the search index again.")
@click.option("--re-embed", is_flag=True, help="Also embed every memory again, with the model of the settings.")
def rebuild_index(re_embed: bool) -> None:
    """Build the search index again from the stored memories. Nothing is lost if it is stopped: run it again.

    A server may go on meanwhile; for --re-embed with another model, stop it first.
    """
    with exit_on_refusal():
        settings = started().settings
        click.echo(f"Indexed {asyncio.run(_rebuild(settings))} memories.")
        if re_embed:
            click.echo(f"Embedded {asyncio.run(_reembed(settings))} memories with {settings.embedding.model}.")


async def _rebuild(settings: Settings) -> int:
    done = 0
    with bar("Indexing") as shown:
        async for step in rebuilding(settings):
            shown.show(step.done, step.total)
            done = step.done
    return done


async def _reembed(settings: Settings) -> int:
    done = 0
    with bar("Embedding") as shown:
        async for step in reembedding(settings):
            shown.show(step.done, step.total)
            done = step.done
    return done
