"""The identities of an account as data: read from files and planes, brought to a plane, written for other tools."""
