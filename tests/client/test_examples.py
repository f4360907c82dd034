"""Every public method has an example in its docstring, and each runs against a server, for both clients."""

from __future__ import annotations

import ast
import contextlib
import doctest
import inspect
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

import agent_memory_client
from agent_memory_client import (
    MemoryAPIClient,
    SyncMemoryAPIClient,
    ToolSchema,
    ToolSchemaCollection,
    create_memory_client,
    create_sync_memory_client,
)
from tests.support.processes import serving

ROOT = Path(__file__).parents[2]


def public_methods(cls: type) -> Iterator[tuple[str, Any]]:
    for name in sorted(dir(cls)):
        raw = inspect.getattr_static(cls, name)
        function = getattr(raw, "__func__", raw)
        if not name.startswith("_") and isinstance(function, FunctionType):
            yield f"{cls.__name__}.{name}", function


ASYNC = dict([*public_methods(MemoryAPIClient), ("create_memory_client", create_memory_client)])
SYNC = dict([*public_methods(SyncMemoryAPIClient), ("create_sync_memory_client", create_sync_memory_client)])
SCHEMAS = dict([*public_methods(ToolSchema), *public_methods(ToolSchemaCollection)])


def examples(function: Any) -> list[doctest.Example]:
    return doctest.DocTestParser().get_examples(inspect.getdoc(function) or "")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("examples") / "data") as server:
        yield server.url


async def run(function: Any, client: object) -> None:
    found = examples(function)
    assert found, "its docstring has no example"
    names: dict[str, Any] = {"client": client}
    for example in found:
        printed = io.StringIO()
        mode = "single" if _is_statement(example.source) else "eval"
        code = compile(example.source, "<example>", mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        with contextlib.redirect_stdout(printed):
            value = eval(code, names)
            if inspect.iscoroutine(value):
                value = await value
            if mode == "eval" and value is not None:
                printed.write(f"{value!r}\n")
        assert doctest.OutputChecker().check_output(example.want, printed.getvalue(), doctest.ELLIPSIS), (
            f"{example.source}printed {printed.getvalue()!r}"
        )


def _is_statement(source: str) -> bool:
    [node] = ast.parse(source).body
    return not isinstance(node, ast.Expr)


@pytest.mark.parametrize("name", ASYNC)
async def test_the_example_of_an_asynchronous_method_runs(name: str, url: str) -> None:
    async with MemoryAPIClient(base_url=url, default_namespace=name) as client:
        await run(ASYNC[name], client)


@pytest.mark.parametrize("name", [*SYNC, *SCHEMAS])
async def test_the_example_of_a_synchronous_method_runs(name: str, url: str) -> None:
    with SyncMemoryAPIClient(base_url=url, default_namespace=name) as client:
        await run({**SYNC, **SCHEMAS}[name], client)


def test_both_clients_have_the_same_methods() -> None:
    assert {name.partition(".")[2] for name in ASYNC} == {name.partition(".")[2] for name in SYNC}


def test_the_synchronous_client_is_what_its_generator_makes(tmp_path: Path) -> None:
    committed = ROOT / "clients/python/src/agent_memory_client/_sync"
    made = tmp_path / "_sync"
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/sync_client.py"), str(made)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    texts = [{path.name: path.read_text("utf-8") for path in folder.glob("*.py")} for folder in (committed, made)]
    assert texts[0] == texts[1], "run scripts/sync_client.py"


def test_importing_the_client_imports_no_framework_and_no_model_library() -> None:
    heavy = (
        "langchain_core langgraph agents pydantic_ai llama_index openai anthropic mcp numpy redis agent_memory_server"
    )
    code = f"import agent_memory_client, sys; print([n for n in {heavy.split()!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_importing_the_client_loads_no_library_and_the_wire_format_none_for_http() -> None:
    code = (
        "import sys, agent_memory_client; print([n for n in ('httpx2', 'pydantic') if n in sys.modules]); "
        "import agent_memory_client.models; print([n for n in ('httpx2', 'asyncio') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.split("\n"), done.stderr) == (["[]", "[]", ""], "")


def test_every_exported_name_is_there_and_listed() -> None:
    for name in agent_memory_client.__all__:
        assert getattr(agent_memory_client, name) is not None
    assert set(agent_memory_client.__all__) <= set(dir(agent_memory_client))
    with pytest.raises(AttributeError, match="has no attribute 'MemoryClient'"):
        _ = agent_memory_client.MemoryClient


METHODS = """
health_check list_sessions get_working_memory get_or_create_working_memory put_working_memory delete_working_memory
set_working_memory_data add_memories_to_working_memory update_working_memory_data append_messages_to_working_memory
create_long_term_memory get_long_term_memory edit_long_term_memory delete_long_term_memories forget_long_term_memories
search_long_term_memory search_all_long_term_memories bulk_create_long_term_memories
promote_working_memories_to_long_term memory_prompt hydrate_memory_prompt list_summary_views create_summary_view
get_summary_view delete_summary_view run_summary_view_partition list_summary_view_partitions run_summary_view get_task
validate_memory_record validate_search_filters get_memory_search_tool_schema get_working_memory_tool_schema
get_lazily_create_long_term_memory_tool_schema get_update_memory_data_tool_schema get_long_term_memory_tool_schema
get_eagerly_create_long_term_memory_tool_schema edit_long_term_memory_tool_schema
delete_long_term_memories_tool_schema get_current_datetime_tool_schema get_memory_search_tool_schema_anthropic
get_working_memory_tool_schema_anthropic get_lazily_create_long_term_memory_tool_schema_anthropic
get_update_memory_data_tool_schema_anthropic get_long_term_memory_tool_schema_anthropic
get_eagerly_create_long_term_memory_tool_schema_anthropic edit_long_term_memory_tool_schema_anthropic
delete_long_term_memories_tool_schema_anthropic get_current_datetime_tool_schema_anthropic get_all_memory_tool_schemas
get_all_memory_tool_schemas_anthropic search_memory_tool get_working_memory_tool get_or_create_working_memory_tool
add_memory_tool update_memory_data_tool parse_openai_function_call parse_openai_tool_call parse_anthropic_tool_use
parse_tool_call resolve_tool_call resolve_tool_calls resolve_function_call resolve_function_calls close
""".split()
ADDED = """
append_messages compact_long_term_memories create_long_term_memories discard_dead_jobs get_job_figures
get_long_term_memory_history list_all_long_term_memories list_all_sessions list_dead_jobs list_decisions
list_long_term_memories readiness retry_dead_jobs try_extraction
""".split()
NAMES = """
MemoryAPIClient MemoryClientConfig create_memory_client ToolSchema ToolSchemaCollection MemoryClientError
MemoryValidationError MemoryNotFoundError MemoryServerError ModelNameLiteral ForgetPolicy ForgetResponse SummaryView
CreateSummaryViewRequest SummaryViewPartitionResult Task
""".split()


def test_the_client_has_exactly_the_methods_of_the_published_one_and_those_it_adds() -> None:
    assert sorted(name.partition(".")[2] for name in ASYNC if "." in name) == sorted(METHODS + ADDED)


def test_the_package_exports_every_name_of_the_published_one() -> None:
    assert set(NAMES) <= set(agent_memory_client.__all__)
