"""`agent-memory delete memory --invalid`: what other servers left under the keys of memories, and is none."""

from __future__ import annotations

import asyncio

import click

from agent_memory_server.cli.start import exit_on_refusal, started


def delete_invalid(*, dry_run: bool, force: bool) -> None:
    """Find such hashes, ask, and delete them."""
    with exit_on_refusal():
        settings = started().settings
        if settings.redis.url is None:
            click.echo("No invalid records: the engine stores only whole ones.")
            return
        from agent_memory_server.compose.redis_moving import (  # noqa: PLC0415 - only here Redis is needed
            drop_invalid,
            invalid_records,
        )

        found = asyncio.run(invalid_records(settings))
        for name in found:
            click.echo(name)
        if dry_run or not found:
            click.echo(f"Would delete {len(found)} invalid records." if found else "No invalid records.")
            return
        if not force:
            click.confirm(f"Delete {len(found)} invalid records?", abort=True)
        click.echo(f"Deleted {asyncio.run(drop_invalid(settings, found))} invalid records.")
