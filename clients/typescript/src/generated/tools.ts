// Generated from the Python client's tools: one definition for both.

export const TOOLS = {
  "search_memory": {
    "description": "Search long-term memory for what is known from earlier conversations. The answer holds their text and ids. Use it when an answer may depend on the user's facts, preferences or past.",
    "parameters": {
      "type": "object",
      "properties": {
        "query": {
          "type": "string",
          "description": "What to look for, in plain words."
        },
        "search_mode": {
          "type": "string",
          "description": "semantic: by meaning. keyword: by words. hybrid: by both.",
          "enum": [
            "semantic",
            "keyword",
            "hybrid"
          ],
          "default": "semantic"
        },
        "topics": {
          "type": "array",
          "items": {
            "type": "string"
          },
          "description": "Only memories with any of these topics."
        },
        "entities": {
          "type": "array",
          "items": {
            "type": "string"
          },
          "description": "Only memories with any of these entities."
        },
        "memory_type": {
          "type": "string",
          "description": "Only memories of this type.",
          "enum": [
            "episodic",
            "semantic",
            "message"
          ]
        },
        "max_results": {
          "type": "integer",
          "minimum": 1,
          "maximum": 20,
          "default": 10,
          "description": "How many at most."
        },
        "offset": {
          "type": "integer",
          "minimum": 0,
          "default": 0,
          "description": "How many to skip: next_offset of the page before."
        },
        "min_relevance": {
          "type": "number",
          "minimum": 0,
          "maximum": 1,
          "description": "Least relevance, 0 to 1; semantic search only."
        },
        "user_id": {
          "type": "string",
          "description": "Only this user's memories; without effect where the user is known already."
        },
        "optimize_query": {
          "type": "boolean",
          "default": false,
          "description": "Whether the server may reword the query first."
        }
      },
      "required": [
        "query"
      ]
    }
  },
  "get_or_create_working_memory": {
    "description": "Read this conversation's working memory: how many messages there are, the memories, the data and the running summary.",
    "parameters": {
      "type": "object",
      "properties": {},
      "required": []
    }
  },
  "lazily_create_long_term_memory": {
    "description": "Remember something by adding it to this conversation's working memory, from which it becomes a long-term memory soon after.",
    "parameters": {
      "type": "object",
      "properties": {
        "text": {
          "type": "string",
          "description": "The memory: one complete statement that is understood without the conversation."
        },
        "memory_type": {
          "type": "string",
          "description": "semantic: a lasting fact or preference. episodic: something that happened at a time.",
          "enum": [
            "episodic",
            "semantic"
          ]
        },
        "topics": {
          "type": "array",
          "items": {
            "type": "string"
          },
          "description": "What it is about, in a word or two each."
        },
        "entities": {
          "type": "array",
          "items": {
            "type": "string"
          },
          "description": "Names of the people, places and things in it."
        }
      },
      "required": [
        "text",
        "memory_type"
      ]
    }
  },
  "update_working_memory_data": {
    "description": "Keep structured data for this conversation only, such as a plan or the state of a form.",
    "parameters": {
      "type": "object",
      "properties": {
        "data": {
          "type": "object",
          "description": "The members to keep.",
          "additionalProperties": true
        },
        "merge_strategy": {
          "type": "string",
          "description": "merge: set these members. deep_merge: the same inside nested objects. replace: drop all others.",
          "enum": [
            "replace",
            "merge",
            "deep_merge"
          ],
          "default": "merge"
        }
      },
      "required": [
        "data"
      ]
    }
  },
  "get_long_term_memory": {
    "description": "Read one long-term memory by its id.",
    "parameters": {
      "type": "object",
      "properties": {
        "memory_id": {
          "type": "string",
          "description": "The id, as a search gave it."
        }
      },
      "required": [
        "memory_id"
      ]
    }
  },
  "eagerly_create_long_term_memory": {
    "description": "Remember one or more things in long-term memory at once; they are found by the next search.",
    "parameters": {
      "type": "object",
      "properties": {
        "memories": {
          "type": "array",
          "description": "The memories.",
          "items": {
            "type": "object",
            "properties": {
              "text": {
                "type": "string",
                "description": "The memory: one complete statement that is understood without the conversation."
              },
              "memory_type": {
                "type": "string",
                "description": "semantic: a lasting fact or preference. episodic: something that happened at a time.",
                "enum": [
                  "episodic",
                  "semantic"
                ]
              },
              "topics": {
                "type": "array",
                "items": {
                  "type": "string"
                },
                "description": "What it is about, in a word or two each."
              },
              "entities": {
                "type": "array",
                "items": {
                  "type": "string"
                },
                "description": "Names of the people, places and things in it."
              },
              "event_date": {
                "type": "string",
                "description": "When it happened, in ISO 8601, for an episodic memory: 2026-01-31T12:00:00Z."
              }
            },
            "required": [
              "text",
              "memory_type"
            ]
          }
        }
      },
      "required": [
        "memories"
      ]
    }
  },
  "edit_long_term_memory": {
    "description": "Correct a long-term memory. Search first for its id; give only what changes.",
    "parameters": {
      "type": "object",
      "properties": {
        "text": {
          "type": "string",
          "description": "The memory: one complete statement that is understood without the conversation."
        },
        "memory_type": {
          "type": "string",
          "description": "semantic: a lasting fact or preference. episodic: something that happened at a time.",
          "enum": [
            "episodic",
            "semantic"
          ]
        },
        "topics": {
          "type": "array",
          "items": {
            "type": "string"
          },
          "description": "What it is about, in a word or two each."
        },
        "entities": {
          "type": "array",
          "items": {
            "type": "string"
          },
          "description": "Names of the people, places and things in it."
        },
        "memory_id": {
          "type": "string",
          "description": "The id, as a search gave it."
        },
        "namespace": {
          "type": "string",
          "description": "Move it to this namespace; without effect where the namespace is fixed."
        },
        "user_id": {
          "type": "string",
          "description": "Move it to this user; without effect where the user is known."
        },
        "session_id": {
          "type": "string",
          "description": "The conversation it belongs to."
        },
        "event_date": {
          "type": "string",
          "description": "When it happened, in ISO 8601, for an episodic memory: 2026-01-31T12:00:00Z."
        }
      },
      "required": [
        "memory_id"
      ]
    }
  },
  "delete_long_term_memories": {
    "description": "Forget long-term memories by their ids, when the user asks for it or when they are wrong.",
    "parameters": {
      "type": "object",
      "properties": {
        "memory_ids": {
          "type": "array",
          "items": {
            "type": "string"
          },
          "description": "The ids, as a search gave them."
        }
      },
      "required": [
        "memory_ids"
      ]
    }
  },
  "get_current_datetime": {
    "description": "The date and time now, in UTC. Use it to turn words like yesterday into a date before remembering them.",
    "parameters": {
      "type": "object",
      "properties": {},
      "required": []
    }
  }
} as const;
