"""What stands between a question and a service: patience, a breaker, the budget, a limit on calls at a time."""
