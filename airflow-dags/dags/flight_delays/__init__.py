"""What the flight-delays DAGs share."""
