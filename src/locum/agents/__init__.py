"""What acts without a request: deliveries of committed effects, and the hosts of instances and of functions."""
