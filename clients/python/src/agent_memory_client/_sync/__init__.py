"""The synchronous client, made from the asynchronous one by scripts/sync_client.py: change that one."""
