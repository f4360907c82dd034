"""The schemas of the tools, by the names that a client gives them."""

from __future__ import annotations

from agent_memory_client import tool_catalogue as tools
from agent_memory_client.tool_catalogue import all_schemas, schema_of
from agent_memory_client.tool_schema import ToolSchema, ToolSchemaCollection


class ToolSchemas:
    """Schemas to hand to a model, whose calls `resolve_tool_call` then carries out."""

    @classmethod
    def get_memory_search_tool_schema(cls) -> ToolSchema:
        """The tool for searching long-term memory, in OpenAI's form.

        >>> client.get_memory_search_tool_schema().get_name()
        'search_memory'
        """
        return schema_of(tools.TOOL_SEARCH_MEMORY, "openai")

    @classmethod
    def get_memory_search_tool_schema_anthropic(cls) -> ToolSchema:
        """The tool for searching long-term memory, in Anthropic's form.

        >>> client.get_memory_search_tool_schema_anthropic().get_name()
        'search_memory'
        """
        return schema_of(tools.TOOL_SEARCH_MEMORY, "anthropic")

    @classmethod
    def get_working_memory_tool_schema(cls) -> ToolSchema:
        """The tool for reading working memory, in OpenAI's form.

        >>> client.get_working_memory_tool_schema().get_name()
        'get_or_create_working_memory'
        """
        return schema_of(tools.TOOL_GET_OR_CREATE_WORKING_MEMORY, "openai")

    @classmethod
    def get_working_memory_tool_schema_anthropic(cls) -> ToolSchema:
        """The tool for reading working memory, in Anthropic's form.

        >>> client.get_working_memory_tool_schema_anthropic().get_name()
        'get_or_create_working_memory'
        """
        return schema_of(tools.TOOL_GET_OR_CREATE_WORKING_MEMORY, "anthropic")

    @classmethod
    def get_lazily_create_long_term_memory_tool_schema(cls) -> ToolSchema:
        """The tool for remembering by way of working memory, in OpenAI's form.

        >>> client.get_lazily_create_long_term_memory_tool_schema().get_name()
        'lazily_create_long_term_memory'
        """
        return schema_of(tools.TOOL_LAZILY_CREATE_LONG_TERM_MEMORY, "openai")

    @classmethod
    def get_lazily_create_long_term_memory_tool_schema_anthropic(cls) -> ToolSchema:
        """The tool for remembering by way of working memory, in Anthropic's form.

        >>> client.get_lazily_create_long_term_memory_tool_schema_anthropic().get_name()
        'lazily_create_long_term_memory'
        """
        return schema_of(tools.TOOL_LAZILY_CREATE_LONG_TERM_MEMORY, "anthropic")

    @classmethod
    def get_update_memory_data_tool_schema(cls) -> ToolSchema:
        """The tool for keeping a session's data, in OpenAI's form.

        >>> client.get_update_memory_data_tool_schema().get_name()
        'update_working_memory_data'
        """
        return schema_of(tools.TOOL_UPDATE_WORKING_MEMORY_DATA, "openai")

    @classmethod
    def get_update_memory_data_tool_schema_anthropic(cls) -> ToolSchema:
        """The tool for keeping a session's data, in Anthropic's form.

        >>> client.get_update_memory_data_tool_schema_anthropic().get_name()
        'update_working_memory_data'
        """
        return schema_of(tools.TOOL_UPDATE_WORKING_MEMORY_DATA, "anthropic")

    @classmethod
    def get_long_term_memory_tool_schema(cls) -> ToolSchema:
        """The tool for reading one memory, in OpenAI's form.

        >>> client.get_long_term_memory_tool_schema().get_name()
        'get_long_term_memory'
        """
        return schema_of(tools.TOOL_GET_LONG_TERM_MEMORY, "openai")

    @classmethod
    def get_long_term_memory_tool_schema_anthropic(cls) -> ToolSchema:
        """The tool for reading one memory, in Anthropic's form.

        >>> client.get_long_term_memory_tool_schema_anthropic().get_name()
        'get_long_term_memory'
        """
        return schema_of(tools.TOOL_GET_LONG_TERM_MEMORY, "anthropic")

    @classmethod
    def get_eagerly_create_long_term_memory_tool_schema(cls) -> ToolSchema:
        """The tool for remembering at once, in OpenAI's form.

        >>> client.get_eagerly_create_long_term_memory_tool_schema().get_name()
        'eagerly_create_long_term_memory'
        """
        return schema_of(tools.TOOL_EAGERLY_CREATE_LONG_TERM_MEMORY, "openai")

    @classmethod
    def get_eagerly_create_long_term_memory_tool_schema_anthropic(cls) -> ToolSchema:
        """The tool for remembering at once, in Anthropic's form.

        >>> client.get_eagerly_create_long_term_memory_tool_schema_anthropic().get_name()
        'eagerly_create_long_term_memory'
        """
        return schema_of(tools.TOOL_EAGERLY_CREATE_LONG_TERM_MEMORY, "anthropic")

    @classmethod
    def edit_long_term_memory_tool_schema(cls) -> ToolSchema:
        """The tool for correcting a memory, in OpenAI's form.

        >>> client.edit_long_term_memory_tool_schema().get_name()
        'edit_long_term_memory'
        """
        return schema_of(tools.TOOL_EDIT_LONG_TERM_MEMORY, "openai")

    @classmethod
    def edit_long_term_memory_tool_schema_anthropic(cls) -> ToolSchema:
        """The tool for correcting a memory, in Anthropic's form.

        >>> client.edit_long_term_memory_tool_schema_anthropic().get_name()
        'edit_long_term_memory'
        """
        return schema_of(tools.TOOL_EDIT_LONG_TERM_MEMORY, "anthropic")

    @classmethod
    def delete_long_term_memories_tool_schema(cls) -> ToolSchema:
        """The tool for forgetting memories, in OpenAI's form.

        >>> client.delete_long_term_memories_tool_schema().get_name()
        'delete_long_term_memories'
        """
        return schema_of(tools.TOOL_DELETE_LONG_TERM_MEMORIES, "openai")

    @classmethod
    def delete_long_term_memories_tool_schema_anthropic(cls) -> ToolSchema:
        """The tool for forgetting memories, in Anthropic's form.

        >>> client.delete_long_term_memories_tool_schema_anthropic().get_name()
        'delete_long_term_memories'
        """
        return schema_of(tools.TOOL_DELETE_LONG_TERM_MEMORIES, "anthropic")

    @classmethod
    def get_current_datetime_tool_schema(cls) -> ToolSchema:
        """The tool for telling the time, in OpenAI's form.

        >>> client.get_current_datetime_tool_schema().get_name()
        'get_current_datetime'
        """
        return schema_of(tools.TOOL_GET_CURRENT_DATETIME, "openai")

    @classmethod
    def get_current_datetime_tool_schema_anthropic(cls) -> ToolSchema:
        """The tool for telling the time, in Anthropic's form.

        >>> client.get_current_datetime_tool_schema_anthropic().get_name()
        'get_current_datetime'
        """
        return schema_of(tools.TOOL_GET_CURRENT_DATETIME, "anthropic")

    @classmethod
    def get_all_memory_tool_schemas(cls) -> ToolSchemaCollection:
        """All nine tools, in OpenAI's form.

        >>> len(client.get_all_memory_tool_schemas().to_list())
        9
        """
        return all_schemas("openai")

    @classmethod
    def get_all_memory_tool_schemas_anthropic(cls) -> ToolSchemaCollection:
        """All nine tools, in Anthropic's form.

        >>> len(client.get_all_memory_tool_schemas_anthropic().to_list())
        9
        """
        return all_schemas("anthropic")
