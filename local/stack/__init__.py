"""The laptop stack: MiniStack as the AWS, a Flink cluster and Airflow, as plain processes on 127.0.0.1."""
