"""Links from a task to the Flink UI."""
