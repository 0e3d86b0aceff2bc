"""What acts without a request: deliveries of committed effects, and the host of running instances."""
