"""The asynchronous client. It only awaits and sleeps, so that a synchronous twin can be made from its text."""
