"""`locum audit` on this side of the control socket: files, what is accepted, the report, and the calls that mend it.

accepted   findings that are known: baselines, suppressions
aws_cli    calls as command lines of the AWS CLI
mending    which calls mend what was found, and making them
report     the report as text and as JSON
sarif      the report as SARIF 2.1.0
scanning   access keys in files
"""
