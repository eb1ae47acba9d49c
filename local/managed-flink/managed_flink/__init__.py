"""A double of Amazon Managed Service for Apache Flink: its control API over a real Flink session cluster."""
